# SPDX-License-Identifier: Apache-2.0
"""The command line says what it found, or in one line what is wrong; never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("click")

import margin_core as mc
from margin_core import __version__
from margin_core.adapters.tables import read_table
from margin_core.cli import main, screen
from margin_core.synthetic import synthetic_book, synthetic_market
from margin_core.table import Table

POSITIONS = """account,instrument,quantity,entry_price
alice,BTC-5JUN26-60000-C,-2,
alice,BTC-PERPETUAL,50000,59000
bob,BTC-25SEP26-50000-P,3,
bob,BTC-25SEP26-70000-C,-3,
carol,BTC-PERPETUAL,200000,63000
"""
BALANCES = "account,currency,quantity\nalice,BTC,3\nbob,BTC,3\ncarol,BTC,0.3\n"
ORDERS = "account,instrument,quantity,limit_price\nbob,BTC-PERPETUAL,-20000,60500\n"
ACCOUNTS = "account,mode\nalice,portfolio\nbob,portfolio\ncarol,cross\n"


class Ran:
    """What one call printed, and how it ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        return Ran(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def chain(fixtures):
    return [fixtures / "deribit_options_btc.csv", fixtures / "deribit_futures_btc.csv"]


@pytest.fixture
def book(tmp_path, chain):
    texts = {"positions": POSITIONS, "balances": BALANCES, "orders": ORDERS, "accounts": ACCOUNTS}
    options = ["--market", *chain]
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
        options += [f"--{name}", f"{name}.csv"]
    return options


def fits(ran):
    assert ran.status == 0, ran.err
    assert all(len(line) <= 80 for line in ran.out.splitlines()), ran.out
    assert "\x1b" not in ran.out
    return ran.out


def refused(ran, *words):
    """One line on stderr, nothing on stdout, status 2."""
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("margin-core: ") and ran.err.count("\n") == 1
    for word in words:
        assert word in ran.err
    return ran.err


# Commands


def test_version_names_the_kernels(run):
    assert fits(run("--version")).startswith(f"margin-core {__version__} (kernels: ")


def test_help_without_arguments(run):
    out = fits(run())
    for command in ("demo", "greeks", "margin", "sweep", "explain", "model"):
        assert command in out
        assert "Usage" in fits(run(command, "--help"))


ETHER = ("--market", "m.csv", "--positions", "p.csv", "--now", "2026-09-01T09:00:00Z",
         "--index", "ETH=4000", "--index", "USDC=1")  # fmt: skip


@pytest.fixture
def carry(tmp_path):
    """Twelve short perpetuals against what ten wstETH unwrap to."""
    (tmp_path / "m.csv").write_text("instrument,forward_usd\nETH_USDC-PERPETUAL,4000\n")
    (tmp_path / "p.csv").write_text(
        "account,instrument,quantity\ncarol,wstETH,10\ncarol,ETH_USDC-PERPETUAL,-12\n"
    )
    (tmp_path / "a.csv").write_text(
        "asset,market_usd,rate,exit_open\nETH,4000,,true\nstETH,3960,,true\nwstETH,4752,1.2,true\n"
    )


def test_assets_of_the_catalogue_are_one_pool_with_the_rest(run, carry, tmp_path):
    out = fits(run("explain", "carol", *ETHER, "--assets", "a.csv"))
    assert "discount.stETH" in out and "collateral haircuts" in out
    fits(run("margin", *ETHER, "--assets", "a.csv", "--out", "o.csv"))
    row = (tmp_path / "o.csv").read_text().splitlines()[1].split(",")
    assert row[0] == "carol"
    catalogue = mc.load_catalogue()
    market = mc.Market.from_table(
        {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [4_000.0]},
        now=1_788_253_200 * 10**9, index={"ETH": 4_000.0, "USDC": 1.0},
    )  # fmt: skip
    prices = mc.AssetPrices(
        {"USD": 1.0}, {"ETH": 4_000.0, "stETH": 3_960.0, "wstETH": 4_752.0}, rate={"wstETH": 1.2}
    )
    margin = mc.pooled_margin(market, prices, catalogue=catalogue)
    standing = mc.sweep(mc.Book.from_tables(tmp_path / "p.csv"), margin)
    assert f"{standing.amount('mm')[0]:,.0f}" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("asset,market_usd\nFTT,1\n", ["a.csv: market_usd: 'FTT' is not in the catalogue"]),
        ("asset,market_usd\nstETH,-1\n", ["a.csv: market_usd['stETH'] = -1.0"]),
        ("asset,market_usd\nstETH,1\nstETH,1\n", ["a.csv, row 1, asset: 'stETH' is there twice"]),
        ("asset,market_usd\nEUR,1\nEUR,1\n", ["row 1, asset: 'EUR' is there twice"]),
        ("asset,market_usd\nUSD,1\nUSD,0.5\n", ["row 1, asset: 'USD' is there twice"]),
        ("asset,market_usd,exit_opn\nETH,1,true\n", ["a.csv", "exit_opn"]),
        ("asset,market_usd\nstETH,1\n", ["market_usd: no price of 'ETH'"]),
        ("asset,market_usd\nETH,2500\n", ["'ETH'", "2500", "4000", "two prices of one coin"]),
        ("asset,market_usd\nETH,4000\nEURC,1\nEUR,1\n", ["EURC follows 'EUR'"]),
        ("asset,market_usd,exit_open\nETH,1,perhaps\n", ["a.csv, row 0 (line 2), exit_open"]),
        ("asset\nETH\n", ["a.csv", "market_usd"]),
    ],
)
def test_an_asset_that_cannot_be_is_named(run, carry, tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    refused(run("margin", *ETHER, "--assets", "a.csv"), *words)


def test_an_asset_without_a_price_says_what_is_missing(run, carry, tmp_path):
    refused(run("margin", *ETHER), "p.csv, row 0 (line 2), instrument: 'wstETH'", "has a price of")
    refused(run("margin", *ETHER, "--assets", "a.csv", "--catalogue", "x"), "x: No such file")
    refused(run("sweep", "--synthetic", 10, "--assets", "a.csv"), "--synthetic")
    (tmp_path / "p.csv").write_text("account,instrument,quantity\nx,ETH_USDC-PERPETUAL,1\n")
    refused(run("margin", *ETHER, "--catalogue", "x.toml"), "--catalogue is of --assets")


def test_plan_closes_the_least_and_says_who_is_left(run, tmp_path):
    options = ("--synthetic", 5_000, "--depth", 5e6, "--impact", 0.003)
    out = fits(run("plan", *options, "--account", "2879", "--out", "trades.csv"))
    for words in ("7 accounts below MM", "above MM again", "handed to the backstop",
                  "Trades of 2879", "BTC-PERPETUAL"):  # fmt: skip
        assert words in out
    market = synthetic_market(0)
    margin = mc.Margin.of(market)
    depth = mc.Depth.square_root(margin, 5e6, 0.003)
    made = mc.plan(synthetic_book(market, 5_000, 0, margin=margin), margin, depth)
    assert len((tmp_path / "trades.csv").read_text().splitlines()) == len(made.trades) + 1
    assert "none" in fits(run("plan", *options, "--account", "7")).split("Trades of 7")[1]
    assert "0 accounts below MM" in fits(run("plan", "--synthetic", 50))
    assert "paused" in fits(run("plan", *options, "--pause", "BTC"))
    refused(run("plan", *options, "--account", "nobody"), "no account 'nobody'")
    refused(run("plan", *options, "--pause", "XYZ"), "no unit 'XYZ' to pause")
    refused(run("plan", *options, "--depth", "1e300"), "BTC-PERPETUAL: 16 depths")
    refused(run("plan"), "give --market and --positions, or --synthetic N")


def test_an_owner_beyond_his_cap_is_named_and_explained(run, carry, tmp_path):
    """150 million of stETH in two accounts of one owner, where 100 count in full."""
    quantity = 0.75e8 / 3_960.0
    (tmp_path / "p.csv").write_text(
        f"account,instrument,quantity\na,stETH,{quantity:.3f}\nb,stETH,{quantity:.3f}\nc,stETH,1\n"
    )
    (tmp_path / "w.csv").write_text("account,owner\na,x\nb,x\nc,y\n")
    options = (*ETHER, "--assets", "a.csv", "--accounts", "w.csv")
    ran = run("margin", *options)
    assert "counts in full: 1, the first a of stETH" in ran.err
    fits(ran)

    def haircut(account):
        lines = fits(run("explain", account, *options)).splitlines()
        line = next(line for line in lines if "collateral haircuts" in line)
        return float(line.split()[-1].replace(",", ""))

    both = haircut("a")
    (tmp_path / "w.csv").write_text("account,owner\na,x\nb,z\nc,y\n")
    assert both - haircut("a") == pytest.approx(0.75e8 / 12, rel=0.1)
    assert run("margin", *options).err == ""


@pytest.mark.parametrize("kind", ["collateral", "oracle", "thresholds"])
def test_model_checks_catalogues_and_rules_too(run, tmp_path, kind):
    out = fits(run("model", "--kind", kind))
    assert "house: valid" in out and "Sources" in out
    assert "house\n" in fits(run("model", "--kind", kind, "--list"))
    assert json.loads(run("model", "--kind", kind, "--schema").out)["type"] == "object"
    (tmp_path / "x.toml").write_text("name = 'x'\n")
    refused(run("model", "--kind", kind, "x.toml"), "x.toml: ", "sources")


def test_demo_runs_from_prices_to_a_picture(run, tmp_path):
    pytest.importorskip("matplotlib")
    out = fits(run("demo", "--accounts", 2_000, "--seed", 1))
    assert out.startswith("Synthetic data")
    for word in ("Market", "Risk array", "Book", "Sweep", "accounts/s", "Nearest liquidation",
                 "One account, explained", "Without netting"):  # fmt: skip
        assert word in out
    picture = out.split("Picture: ")[1].split("\n")[0]
    assert (tmp_path / picture).stat().st_size > 5_000


def test_demo_goes_on_without_matplotlib(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    out = fits(run("demo", "--accounts", 50))
    assert "No picture: pictures need matplotlib: pip install margin-core[plot]" in out
    assert "All of it took" in out


@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("pyarrow", "parquet", ["sweep", "--synthetic", 9, "--out", "x.parquet"]),
        ("matplotlib", "plot", ["explain", "--synthetic", 9, "1", "--picture", "x.png"]),
    ],
)
def test_a_missing_extra_is_said_before_the_work(run, monkeypatch, module, extra, arguments):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, f"{module}.figure", None)
    refused(run(*arguments), f"pip install margin-core[{extra}]")


def test_margin_lists_every_account(run, book, tmp_path):
    out = fits(run("margin", *book, "--out", "out.csv"))
    lines = [line.split()[0] for line in out.splitlines()]
    assert lines == ["account", "alice", "bob", "carol", "Written"]
    table = read_table(tmp_path / "out.csv", required={"account": "str", "im_usd": "float"})
    assert table["account"].tolist() == ["alice", "bob", "carol"]
    assert (table["im_usd"] > 0).all()


def test_sweep_counts_and_ranks(run, book, tmp_path):
    pytest.importorskip("pyarrow")
    out = fits(run("sweep", *book, "--nearest", 1, "--out", "out.parquet", "--threads", 1))
    assert "Summary" in out and "carol" in out and "alice" not in out
    table = read_table(tmp_path / "out.parquet", required={"rank": "int"})
    assert sorted(table["rank"]) == [0, 1, 2]


def test_pockets_are_shown_with_their_parent(run, book, tmp_path):
    (tmp_path / "accounts.csv").write_text(
        "account,mode,parent\nalice,,\nbob,,\ncarol,isolated,bob\n"
    )
    for out in (fits(run("margin", *book)), fits(run("sweep", *book))):
        line = out.split("With their pockets")[1].splitlines()[2].split()
        assert line[:2] == ["bob", "1"]
    assert "It is a pocket of bob." in fits(run("explain", *book, "carol"))


def test_a_terminal_is_shown_that_work_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with screen.progress("margining") as progress:
        for done in (0, 500, 1_000):
            progress(done, 1_000)
    with screen.waiting("packing"):
        pass
    err = capsys.readouterr().err
    assert "margining" in err and "100%" in err and "packing ..." in err
    assert err.endswith("\r")


def test_a_synthetic_sweep_says_so(run):
    assert fits(run("sweep", "--synthetic", 500)).startswith("Synthetic data")


def test_explain_answers_and_draws(run, book, tmp_path):
    pytest.importorskip("matplotlib")
    out = fits(run("explain", *book, "bob", "--picture", "bob.svg"))
    assert "Account bob, portfolio margin" in out and "BTC-25SEP26-70000-C" in out
    assert (tmp_path / "bob.svg").exists()
    assert "cross margin" in fits(run("explain", *book, "carol"))
    assert "liquidatable below" in fits(run("explain", *book, "bob", "--liquidation"))


def test_greeks_shows_chain_and_differences(run, chain, tmp_path):
    out = fits(run("greeks", *chain, "--expiry", "5jun26", "--strikes", "55000:65000",
                   "--csv", "g.csv"))  # fmt: skip
    assert "BTC 5JUN26" in out and "25SEP26" not in out
    table = read_table(tmp_path / "g.csv", required={"strike": "float", "delta": "float"})
    assert sorted(set(table["strike"])) == [55_000.0, 60_000.0, 65_000.0]
    assert (abs(table["delta"]) <= 1).all()


def test_greeks_match_the_venues_own(run, shared):
    path = shared / "data" / "chains" / "deribit_btc_options_20260122.csv"
    out = fits(run("greeks", path, "--expiry", "27MAR26"))
    lines = {
        line.split()[0]: line.split() for line in out.split("Differences")[1].splitlines()[2:7]
    }
    assert float(lines["delta"][1]) < 1e-4
    assert float(lines["vega"][4]) < 0.04


def test_model_shows_and_exports(run, tmp_path):
    out = fits(run("model"))
    assert "majors" in out and "33 scenarios" in out
    schema = json.loads(run("model", "--schema").out)
    assert "units" in schema["properties"]


def test_a_market_of_ones_own_table(run, tmp_path):
    (tmp_path / "m.csv").write_text(
        "instrument,forward_usd,vol\nBTC-PERPETUAL,60000,\nBTC-26JUN26-60000-C,60300,0.4\n"
    )
    (tmp_path / "p.csv").write_text("account,instrument,quantity\na,BTC-26JUN26-60000-C,-1\n")
    options = ("--market", "m.csv", "--positions", "p.csv", "--index", "BTC=60000")
    assert "bankrupt" in fits(run("margin", *options, "--now", "2026-06-01T08:00:00Z"))
    refused(run("margin", *options), "m.csv", "--now")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("BTC-26JUN26-60000-C,60300,-0.4\n", ["line 3), vol: BTC-26JUN26-60000-C", "got -0.4"]),
        ("BTC-26JUN26-60000-C,,0.4\n", ["line 3), underlying_price: ", "no forward"]),
        ("XYZ-26JUN26,1,\n", ["XYZ-26JUN26: no index price", "--index XYZ="]),
        ("nonsense,60300,0.4\n", ["line 3): ", "'nonsense'"]),
        ("BTC-PERPETUAL,60300,\n", ["line 3): BTC-PERPETUAL is already in row 0"]),
    ],
)
def test_a_bad_quote_is_named_with_its_line(run, tmp_path, rows, words):
    (tmp_path / "m.csv").write_text(
        f"instrument,underlying_price,vol\nBTC-PERPETUAL,60000,\n{rows}"
    )
    (tmp_path / "p.csv").write_text("account,instrument,quantity\na,BTC-PERPETUAL,-10\n")
    options = ("--market", "m.csv", "--positions", "p.csv", "--index", "BTC=60000")
    refused(run("margin", *options, "--now", "2026-06-01T08:00:00Z"), "m.csv, row 1", *words)


@pytest.mark.parametrize("text", ["[]", '{"result": []}', '{"instruments": [], "tickers": []}'])
def test_an_answer_without_quotes_is_named(run, tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    refused(run("greeks", "x.json"), "margin-core: x.json: no quotes")
    (tmp_path / "y.csv").write_text("instrument,vol\n")
    refused(run("greeks", "y.csv", "--now", "2026-06-01"), "margin-core: y.csv: no quotes")


def test_half_a_character_is_refused(run, chain, tmp_path):
    (tmp_path / "p.json").write_text(
        '[{"account": "\\ud800", "instrument": "BTC-PERPETUAL", "quantity": 10}]'
    )
    refused(run("margin", "--market", *chain, "--positions", "p.json"), "p.json: holds half of")
    (tmp_path / "p.json").write_text(
        '[{"account": "\\ud83d\\ude00", "instrument": "BTC-PERPETUAL", "quantity": 10}]'
    )
    assert "\U0001f600" in fits(run("margin", "--market", *chain, "--positions", "p.json"))


def test_accounts_may_be_numbers(run, chain, tmp_path):
    (tmp_path / "p.json").write_text(
        '[{"account": 7, "instrument": "BTC-PERPETUAL", "quantity": 10},'
        ' {"account": 12, "instrument": "BTC-PERPETUAL", "quantity": 10}]'
    )
    (tmp_path / "b.csv").write_text("account,currency,quantity\n7,BTC,1\n007,BTC,1\n")
    (tmp_path / "a.csv").write_text("account,parent\n7,\n12,7\n007,\n")
    options = ["--positions", "p.json", "--balances", "b.csv", "--accounts", "a.csv"]
    out = fits(run("margin", "--market", *chain, *options))
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["7", "12", "007"]


def test_a_bad_row_of_parquet_is_named(run, chain, tmp_path):
    pytest.importorskip("pyarrow")
    table = {"account": ["a", "a"], "instrument": ["BTC", "BTC-1JAN27"], "quantity": [1.0, 2.0]}
    Table(table).to_parquet(tmp_path / "p.parquet")
    err = refused(run("margin", "--market", *chain, "--positions", "p.parquet"))
    assert (
        err
        == "margin-core: p.parquet, row 1, instrument: the market has no instrument 'BTC-1JAN27'\n"
    )


# What goes wrong


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("positions", "account,instrument,quantity\na,BTC-PERPETUAL,abc\n",
         ["positions.csv, row 0 (line 2), quantity", "'abc' is not a number"]),
        ("positions", "account,instrument,quantity\na,BTC-5JUN26-60001-C,1\n",
         ["positions.csv, row 0 (line 2), instrument: ", "BTC-5JUN26-60001-C"]),
        ("positions", "account,name,amount\na,BTC-PERPETUAL,10\n\"a\n\",X,1\nb,Y,1\n",
         ["positions.csv, row 1 (line 3), name: ", "'X'"]),
        ("positions", "account,name,amount\na,BTC-PERPETUAL,10\n\"a\nb\",BTC-PERPETUAL,10\nb,Y,1\n",
         ["positions.csv, row 2 (line 5), name: ", "'Y'"]),
        ("positions", "account,instrument,amount\na,BTC-5JUN26-60000-C,0.15\n",
         ["positions.csv, row 0 (line 2), amount: 0.15 of", "no multiple of its step 0.1"]),
        ("positions", "account,instrument,quantity\na,BTC-5JUN26-60000-C,1e300\n",
         ["positions.csv, row 0 (line 2), quantity: ", "2^53"]),
        ("positions", "account,instrument,quantity\n" + "a,BTC-5JUN26-60000-C,5e14\n" * 2,
         ["account 'a'", "BTC-5JUN26-60000-C", "2^53"]),
        ("positions", "account,instrument,quantity\n", ["positions.csv", "no accounts"]),
        ("positions", "", ["positions.csv", "is empty"]),
        ("positions", "a,b\n1,2\n", ["positions.csv", "no column 'account'"]),
        ("positions", "account,instrument,quantity,entry_price\na,BTC-PERPETUAL,10,-5\n",
         ["positions.csv, row 0 (line 2), entry_price: -5 is not positive"]),
        ("positions", "account,instrument,quantity,entry_price\na,BTC-PERPETUAL,10,1e-300\n",
         ["positions.csv, row 0 (line 2): ", "2^53"]),
        ("balances", "account,currency,quantity\na,DOGE,1\n",
         ["balances.csv, row 0 (line 2), currency: ", "DOGE"]),
        ("balances", "account,currency,quantity\na,BTC,1\na,BTC-PERPETUAL,1\n",
         ["balances.csv, row 1 (line 3), currency: ", "no currency"]),
        ("balances", "account,currency,quantity\nz,BTC,1\na,BTC,5e8\n",
         ["balances.csv, row 1 (line 3), quantity: 5e+08", "2^53"]),
        ("balances", "account,currency,quantity\nz,BTC,1\n" + "a,BTC,5e7\n" * 3,
         ["account 'a'", "2^53"]),
        ("orders", "account,instrument,quantity,price\na,BTC-PERPETUAL,10,-1\n",
         ["orders.csv, row 0 (line 2), price: -1 is not positive"]),
        ("orders", "account,instrument,quantity,limit_price\na,BTC-5JUN26-60000-C,10,-1\n",
         ["orders.csv, row 0 (line 2), limit_price: -1 is not 0 or more"]),
        ("orders", "account,instrument,quantity,limit_price\na,BTC-PERPETUAL,10,1e-300\n",
         ["orders.csv, row 0 (line 2), limit_price: 1e-300", "2^53"]),
        ("accounts", "account,mode\na,turbo\n", ["accounts.csv, row 0 (line 2), mode: 'turbo'"]),
        ("accounts", "account,parent\na,\nb,c\n", ["accounts.csv, row 1 (line 3), parent: 'c'"]),
        ("accounts", "account,parent\na,a\n", ["accounts.csv, row 0 (line 2), parent: ", "itself"]),
        ("accounts", "account\na\nb\na\n",
         ["accounts.csv, row 2 (line 4), account: 'a' is already in row 0"]),
        ("accounts", "account\n", ["accounts.csv", "no accounts"]),
        ("accounts", "account,mode\nb,cross\n",
         ["positions.csv, row 0 (line 2), account: 'a' is not among the accounts"]),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_with_its_file(run, chain, tmp_path, file, text, words):
    (tmp_path / "positions.csv").write_text("account,instrument,quantity\na,BTC-PERPETUAL,10\n")
    (tmp_path / f"{file}.csv").write_text(text)
    options = ["--positions", "positions.csv"]
    if file != "positions":
        options += [f"--{file}", f"{file}.csv"]
    refused(run("margin", "--market", *chain, *options), *words)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"{", b"[]", b'{"greeks": {}}'])
@pytest.mark.parametrize("suffix", [".csv", ".json", ".txt", ""])
def test_a_chain_that_is_none(run, tmp_path, content, suffix):
    (tmp_path / f"x{suffix}").write_bytes(content)
    refused(run("greeks", f"x{suffix}"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["margin"], ["give --market and --positions (see"]),
        (["sweep"], ["give --market and --positions, or --synthetic N (see"]),
        (["sweep", "--synthetic", "0"], ["--synthetic"]),
        (["sweep", "--synthetic", "9", "--positions", "p.csv"], ["--synthetic"]),
        (["sweep", "--synthetic", "9", "--out", "x.txt"], ["x.txt", ".csv"]),
        (["sweep", "--synthetic", "9", "--out", "no/x.csv"], ["no/x.csv", "folder"]),
        (["explain", "--synthetic", "9", "zz"], ["'zz'"]),
        (["explain", "--synthetic", "9", "1", "--picture", "x.gif"], ["x.gif", ".png"]),
        (["greeks", "missing.csv"], ["missing.csv", "No such file"]),
        (["greeks", "."], [".json"]),
        (["model", "missing"], ["missing", "house"]),
        (["model", "."], ["directory"]),
        (["sweep", "--synthetic", "9", "--threads", "9" * 20], ["--threads"]),
        (["nonsense"], ["nonsense"]),
        (["--nonsense"], ["--nonsense"]),
        (["demo", "--accounts", "x"], ["--accounts"]),
    ],
)
def test_a_wrong_call_is_one_line(run, arguments, words):
    refused(run(*arguments), *words)


@pytest.mark.parametrize(
    "option", [("--strikes", "abc"), ("--strikes", "9:1"), ("--expiry", "1JAN99"),
               ("--now", "noon"), ("--now", "2099-01-01"), ("--index", "BTC"), ("--index", "=5")],
)  # fmt: skip
def test_a_wrong_option_is_named(run, chain, option):
    err = refused(run("greeks", *chain, *option))
    assert option[0] in err or "expired" in err


def test_a_file_cannot_write_to_the_screen(run, chain, tmp_path):
    (tmp_path / "p.csv").write_text(
        "account,instrument,quantity\n\x1b[2Jx,BTC-PERPETUAL,10\n\u202ey,BTC-PERPETUAL,10\n"
    )
    out = fits(run("margin", "--market", *chain, "--positions", "p.csv"))
    assert "\\x1b[2Jx" in out and "\\u202ey" in out
    (tmp_path / "q.csv").write_text("account,instrument,quantity\na,\x1b[2J,10\n")
    assert "\x1b" not in refused(run("margin", "--market", *chain, "--positions", "q.csv"))


def test_a_damaged_output_place_is_said_before_the_work(run, tmp_path):
    (tmp_path / "file").write_text("")
    refused(run("demo", "--output", "file"), "file")


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device", "x.csv")])
def test_the_system_running_out_is_one_line(run, monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr("margin_core.synthetic.synthetic_market", fail)
    refused(run("sweep", "--synthetic", 9), "memory" if isinstance(error, MemoryError) else "x.csv")


def test_ctrl_c_is_quiet(run, monkeypatch):
    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("margin_core.synthetic.synthetic_market", interrupt)
    ran = run("sweep", "--synthetic", 9)
    assert (ran.status, ran.err.strip()) == (130, "margin-core: interrupted")


@pytest.mark.skipif(
    os.name != "posix" or signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    reason="interrupts as POSIX has them, not ignored by whoever runs the tests",
)
def test_a_real_interrupt_ends_a_running_process():
    process = subprocess.Popen(
        [sys.executable, "-m", "margin_core", "sweep", "--synthetic", "2000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, "margin-core: interrupted")


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_closed_pipe_is_quiet():
    process = subprocess.Popen(
        [sys.executable, "-m", "margin_core", "model", "--schema"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=30), err) == (0, "")
