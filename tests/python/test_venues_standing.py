# SPDX-License-Identifier: Apache-2.0
"""The facade's books under venue presets: amounts by hand, signs, refusals, and side by side."""

import numpy as np
import pytest

import margin_core as mc
from margin_core.cli import main
from margin_core.errors import ArgumentError, DomainError, ModelError, NotMarginableError
from margin_core.venues.compare import compare, comparison_picture

NOW = 1_767_225_600_000_000_000  # 2026-01-01
QUOTES = {
    "instrument": ["BTC_USDC-PERPETUAL", "BTC_USDC-27MAR26-100000-C", "BTC_USDC-27MAR26-100000-P",
                   "ETH_USDC-PERPETUAL", "BTC-PERPETUAL", "BTC-27MAR26-100000-C",
                   "ETH-PERPETUAL", "BTC-27MAR26"],
    "forward_usd": [100e3, 101e3, 101e3, 4e3, 100e3, 101e3, 4e3, 101e3],
    "vol": [np.nan, 0.5, 0.5, np.nan, np.nan, 0.5, np.nan, np.nan],
}  # fmt: skip
INDEX = {"BTC": 100e3, "ETH": 4e3, "USDC": 1.0}


@pytest.fixture(scope="module")
def market():
    return mc.Market.from_table(QUOTES, now=NOW, index=INDEX)


def book(*rows, entry=None):
    """Rows (account, instrument, quantity)."""
    account, instrument, quantity = zip(*rows, strict=True)
    table = {"account": list(account), "instrument": list(instrument), "quantity": list(quantity)}
    if entry is not None:
        table["entry_price"] = entry
    return mc.Book.from_tables(table)


def test_a_perpetual_under_each_linear_preset_by_hand(market):
    two = book(("a", "BTC_USDC-PERPETUAL", 2.0), ("a", "USDC", 50e3))
    by_hand = {
        "paradex_pm": (32_000.0, 16_000.0),  # 16 % of 200,000, half
        "derive_pm2": (36_000.0 + 8_000.0, 0.8 * 36_000.0 + 6_000.0),  # 18 %; 3 % and 1 % more
        "derive_pm1": (1.25 * (40_000.0 + 6_000.0), 46_000.0),  # 20 % and 3 % inside
        "derive_sm": (20_000.0, 13_000.0),  # 10 % and 6.5 %
        "dydx_v4": (4_000.0, 2_400.0),  # 2 % and 1.2 %
        "okx_pm": (1.3 * 24_400.0, 24_400.0),  # 12 % and 0.2 % of delta
    }
    for preset, (im, mm) in by_hand.items():
        found = mc.venue_margin(two, market, preset)
        assert found.equity_usd[0] == pytest.approx(50e3, rel=1e-14), preset
        assert found.im_usd[0] == pytest.approx(im, rel=1e-12), preset
        assert found.mm_usd[0] == pytest.approx(mm, rel=1e-12), preset


def test_an_inverse_perpetual_is_margined_in_its_coin(market):
    """Long 1 BTC: q m / (1 + m) at -16 % is 0.16 / 0.84; roll is 1 % of delta."""
    found = mc.venue_margin(book(("a", "BTC-PERPETUAL", 100e3), ("a", "BTC", 2.0)), market,
                            "deribit_pm")  # fmt: skip
    core = round(0.16 / 0.84, 9) * 100e3
    assert found.im_usd[0] == pytest.approx(core + 1_000.0, rel=1e-12)
    assert found.mm_usd[0] == pytest.approx(0.8 * (core + 1_000.0), rel=1e-12)
    assert found.equity_usd[0] == pytest.approx(200e3)
    assert found.worst[0] == "-16 %, vol down"


def test_coins_are_segregated_and_dollars_are_equity(market):
    apart = [("BTC-PERPETUAL", 100e3), ("ETH-PERPETUAL", -8e3)]
    both = mc.venue_margin(book(*(("a", *row) for row in apart), ("a", "USDC", 7.0)), market,
                           "deribit_pm")  # fmt: skip
    single = [mc.venue_margin(book(("a", *row)), market, "deribit_pm") for row in apart]
    assert both.im_usd[0] == pytest.approx(sum(s.im_usd[0] for s in single), rel=1e-14)
    assert both.equity_usd[0] == pytest.approx(7.0)
    assert both.worst[0].count(";") == 1


@pytest.mark.parametrize(
    "name, quantity, entry, profit",
    [("BTC_USDC-PERPETUAL", -2.0, 101e3, 2_000.0), ("BTC-PERPETUAL", 80e3, 80e3, 20_000.0)],
)
def test_profit_since_entry_is_equity(market, name, quantity, entry, profit):
    preset = "okx_pm" if "USDC" in name else "deribit_pm"
    found = mc.venue_margin(book(("a", name, quantity), entry=[entry]), market, preset)
    assert found.equity_usd[0] == pytest.approx(profit, rel=1e-13)


def test_a_long_option_under_the_standard_manager_is_worth_nothing_as_collateral(market):
    call = "BTC_USDC-27MAR26-100000-C"
    mark = market.mark_usd[market.instruments.rows[call]]
    found = mc.venue_margin(book(("a", call, 1.0)), market, "derive_sm")
    assert found.equity_usd[0] == pytest.approx(mark)
    assert found.im_usd[0] == pytest.approx(mark)
    short = mc.venue_margin(book(("a", call, -1.0)), market, "derive_sm")
    assert short.im_usd[0] == pytest.approx(15_000.0)  # 15 % of the index, at the money
    assert short.mm_usd[0] == pytest.approx(9_000.0)


def test_the_underlying_itself_cancels_a_perpetual_in_version_1(market):
    found = mc.venue_margin(book(("a", "BTC_USDC-PERPETUAL", -1.0), ("a", "BTC", 1.0)), market,
                            "derive_pm1")  # fmt: skip
    assert found.parts_usd["scan"][0] == pytest.approx(0.0, abs=1e-9)
    assert found.mm_usd[0] == pytest.approx(6_000.0)  # 3 % of each


def test_open_interest_raises_initial_rates_only(market):
    one = book(("a", "BTC_USDC-PERPETUAL", 1.0))
    preset = mc.load_preset("dydx_v4", {"classes": [{
        "names": ["BTC-PERP"], "source": "chain", "oi_lower": 10**13, "oi_upper": 3 * 10**13,
        "weights": {h: {"long": 20_000, "short": 20_000} for h in ("init", "maint")},
    }]})  # fmt: skip
    found = mc.venue_margin(one, market, preset, open_interest_usd={"BTC": 20e6})
    assert (found.im_usd[0], found.mm_usd[0]) == (51_000.0, 2_000.0)  # half of the way to 100 %


def test_open_orders_count_at_their_worst_where_the_preset_has_a_rule(market):
    positions = {"account": ["a"], "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [1.0]}
    orders = {"account": ["a"] * 2, "instrument": ["BTC_USDC-PERPETUAL"] * 2,
              "quantity": [2.0, -1.5], "limit_price": [99e3, 102e3]}  # fmt: skip
    with_orders = mc.Book.from_tables(positions, orders=orders)
    assert mc.venue_margin(with_orders, market, "derive_sm").im_usd[0] == pytest.approx(30e3)
    with pytest.raises(NotMarginableError, match="open orders") as caught:
        mc.venue_margin(with_orders, market, "paradex_pm")
    assert caught.value.row == 0
    with pytest.raises(ArgumentError, match="open orders"):
        compare(with_orders, market)


@pytest.mark.parametrize(
    "preset, rows, bad, words",
    [
        ("derive_pm2", ["BTC_USDC-PERPETUAL", "BTC-27MAR26-100000-C"], 1, "it is inverse"),
        ("derive_pm2", ["BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"], 1, "second underlying"),
        ("derive_pm2", ["ETH_USDC-PERPETUAL", "USDC", "ETH"], 2, "no collateral"),
        ("derive_pm1", ["BTC_USDC-PERPETUAL", "ETH"], 1, "second underlying"),
        ("derive_pm1", ["BTC-27MAR26"], 0, "no rule for such a kind"),
        ("derive_sm", ["USDC", "BTC-27MAR26-100000-C"], 1, "it is inverse"),
        ("deribit_pm", ["BTC-PERPETUAL", "BTC_USDC-PERPETUAL"], 1, "it is linear"),
        ("paradex_pm", ["BTC"], 0, "no rule for such a kind"),
        ("span", ["BTC_USDC-PERPETUAL"], 0, "no rule for such a kind"),
        ("dydx_v4", ["BTC_USDC-27MAR26-100000-P"], 0, "no class names it or BTC-PUT"),
        ("drift_v2", ["USDC", "ETH_USDC-PERPETUAL"], 1, "no class names it or ETH-PERP"),
    ],
)
def test_what_cannot_be_margined_is_refused_with_its_row(market, preset, rows, bad, words):
    with pytest.raises(NotMarginableError, match=words) as caught:
        mc.venue_margin(book(*(("a", name, 1.0) for name in rows)), market, preset)
    assert caught.value.row == bad
    assert f"row {bad}" in str(caught.value) and rows[bad] in str(caught.value)


def test_wrong_arguments_are_named(market):
    one = book(("a", "BTC_USDC-PERPETUAL", 1.0))
    with pytest.raises(ArgumentError, match="a Market is needed, not str"):
        mc.venue_margin(one, "market", "span")
    with pytest.raises(ArgumentError, match="a Book is needed, not int"):
        mc.venue_margin(3, market, "span")
    with pytest.raises(ModelError, match="nobody"):
        mc.venue_margin(one, market, "nobody")
    with pytest.raises(ModelError, match="kind"):
        mc.venue_margin(one, market, "house")
    with pytest.raises(ModelError, match="a venue preset"):
        mc.load_model("span")
    with pytest.raises(DomainError, match="entry price"):
        mc.venue_margin(book(("a", "BTC_USDC-PERPETUAL", 1.0), entry=[-5.0]), market, "okx_pm")


@pytest.mark.parametrize("preset", ["derive_pm2", "okx_pm"])
def test_amounts_beyond_a_double_are_refused_with_the_account(market, preset):
    huge = book(("a", "USDC", 1.0), ("b", "BTC_USDC-PERPETUAL", 1e306))
    with pytest.raises(DomainError, match="account 'b': its amounts overflow") as caught:
        mc.venue_margin(huge, market, preset)
    assert caught.value.row == 1


def test_a_book_of_cash_needs_nothing(market):
    cash = book(("a", "USDC", 5.0), ("b", "USDC", -5.0))
    for preset in set(mc.preset_names()) - {"mango_v4"}:
        found = mc.venue_margin(cash, market, preset)
        assert found.equity_usd.tolist() == [5.0, -5.0]
        if preset != "hyperliquid_pm":  # its fixed 20 USD, and its caps
            assert np.allclose(found.mm_usd, 0.0, atol=1e-12), preset
    with pytest.raises(NotMarginableError, match="row 0.* USDC: no class names it"):
        mc.venue_margin(cash, market, "mango_v4")  # its tokens are those of a test


def test_the_table_has_the_parts(market):
    table = mc.venue_margin(book(("a", "BTC_USDC-PERPETUAL", 2.0)), market, "derive_pm2").table()
    assert table["account"].tolist() == ["a"]
    assert table["perpetual_usd"][0] == pytest.approx(6_000.0)
    assert table["worst_scenario"][0] == "-18 %, vol up"


def test_a_comparison_has_a_line_a_model_that_fits_and_a_reason_for_the_others(market):
    found = compare(book(("a", "BTC_USDC-PERPETUAL", 1.0), ("a", "ETH_USDC-PERPETUAL", -25.0)),
                    market)  # fmt: skip
    names = [line.model for line in found.lines]
    assert names == ["house", "derive_sm", "dydx_v4", "okx_pm", "paradex_pm"]
    assert "second underlying" in found.misfits["derive_pm2"]
    by_name = {line.model: line for line in found.lines}
    assert by_name["derive_sm"].offset_frac == pytest.approx(0.0, abs=1e-12)
    assert by_name["house"].offset_frac > 0.2
    assert (found.accounts, found.positions) == (1, 2)
    assert found.table()["model"].tolist() == names


def test_netting_shows_as_an_offset(market):
    flat = book(("a", "BTC_USDC-PERPETUAL", 1.0), ("a", "BTC_USDC-PERPETUAL", -1.0))
    (line,) = compare(flat, market, ["paradex_pm"]).lines
    assert (line.im_usd, line.offset_frac, line.worst) == (0.0, 1.0, "")


@pytest.fixture
def files(tmp_path, market):
    quotes = tmp_path / "quotes.csv"
    lines = ["instrument,forward_usd,vol"]
    for name, forward, vol in zip(*QUOTES.values(), strict=True):
        lines.append(f"{name},{forward},{'' if np.isnan(vol) else vol}")
    quotes.write_text("\n".join(lines))
    positions = tmp_path / "positions.csv"
    positions.write_text("account,instrument,quantity\na,BTC_USDC-PERPETUAL,1\n"
                         "a,BTC_USDC-27MAR26-100000-C,-2\nb,ETH_USDC-PERPETUAL,3\n")  # fmt: skip
    index = [word for unit, price in INDEX.items() for word in ("--index", f"{unit}={price}")]
    return ["compare", "--market", str(quotes), "--now", "2026-01-01", *index,
            "--positions", str(positions)]  # fmt: skip


def run(capsys, arguments):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    return done.value.code, *capsys.readouterr()


def test_the_command_fits_80_columns_and_says_what_does_not_fit(capsys, files):
    code, out, err = run(capsys, files)
    assert (code, err) == (0, "")
    assert "of 2 accounts, summed" in out
    assert "paradex_pm *" in out
    assert "no class names it or BTC-CALL" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80


def test_one_account_and_some_models_can_be_chosen(capsys, files, tmp_path):
    out_file = tmp_path / "table.csv"
    options = ["--account", "b", "--model", "okx_pm", "--model", "house", "--out", str(out_file)]
    code, out, _ = run(capsys, [*files, *options])
    assert code == 0 and "derive" not in out
    assert out_file.read_text().startswith("model,equity_usd,im_usd,mm_usd,offset_frac")
    code, _, err = run(capsys, [*files, "--account", "c"])
    assert code == 2 and "there is no account 'c'" in err
    code, _, err = run(capsys, [*files, "--model", "nobody"])
    assert code == 2 and "nobody" in err


def test_a_picture_is_drawn(capsys, files, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "bars.png"
    code, out, _ = run(capsys, [*files, "--picture", str(path)])
    assert code == 0 and f"Picture: {path}" in out
    assert path.read_bytes().startswith(b"\x89PNG")
    code, _, err = run(capsys, [*files, "--picture", "bars.txt"])
    assert code == 2 and "must end in" in err


def test_a_comparison_of_nothing_draws_nothing(market, tmp_path):
    found = compare(book(("a", "BTC-PERPETUAL", 1e3)), market, ["span"])
    assert not found.lines
    with pytest.raises(ArgumentError, match="nothing to draw"):
        comparison_picture(found, tmp_path / "a.png")
