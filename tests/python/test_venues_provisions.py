# SPDX-License-Identifier: Apache-2.0
"""Amounts from outside a venue's model: what counts where, what is reported and refused."""

import json

import numpy as np
import pytest

import margin_core as mc
from margin_core.cli import main
from margin_core.errors import (
    DomainError,
    FileError,
    ModelError,
    NotMarginableError,
    UnknownInstrumentError,
)
from margin_core.venues.conform import conform

QUOTES = {
    "instrument": ["BTC_USDC-PERPETUAL", "BTC-PERPETUAL"],
    "forward_usd": [100e3, 100e3],
}
NOW = 1_767_225_600_000_000_000  # 2026-01-01
INDEX = {"BTC": 100e3, "USDC": 1.0}


@pytest.fixture(scope="module")
def market():
    return mc.Market.from_table(QUOTES, now=NOW, index=INDEX)


def book(name):
    return mc.Book.from_tables(
        {"account": ["a", "b"], "instrument": [name, name], "quantity": [1.0, -2.0]}
    )


def table(*rows):
    account, provision, amount = zip(*rows, strict=True)
    return {"account": account, "provision": provision, "amount_usd": amount}


@pytest.mark.parametrize(
    "preset, name, im, mm",
    [
        ("deribit_pm", "open_orders", 1.0, 0.0),
        ("deribit_pm", "mmp", 1.0, 0.0),
        ("okx_pm", "MR8", 5.0, 1.0),
        ("okx_pm", "MR9", 1.3, 1.0),
        ("paradex_pm", "funding", 1.0, 1.0),
        ("paradex_pm", "fee", 1.0, 1.0),
    ],
)
def test_each_counts_as_its_preset_says(market, preset, name, im, mm):
    held = book("BTC-PERPETUAL" if preset == "deribit_pm" else "BTC_USDC-PERPETUAL")
    plain = mc.venue_margin(held, market, preset)
    given = table(("b", name, 30.0), ("b", name, 20.0))
    found = mc.venue_margin(held, market, preset, provisions=given)
    np.testing.assert_array_equal(found.im_usd, plain.im_usd + [0.0, im * 50.0])
    np.testing.assert_array_equal(found.mm_usd, plain.mm_usd + [0.0, mm * 50.0])
    np.testing.assert_array_equal(found.equity_usd, plain.equity_usd)
    assert found.parts_usd[name].tolist() == [0.0, 50.0]
    assert set(found.parts_usd) == {*plain.parts_usd, name}
    assert found.table()[f"{name}_usd"].tolist() == [0.0, 50.0]


def test_a_file_may_name_its_own(market, tmp_path):
    own = {"provisions": [{"name": "gas", "im": 2.0, "source": "mainnet"}]}
    preset = mc.load_preset("derive_sm", own)
    path = tmp_path / "gas.csv"
    path.write_text("account,provision,amount_usd\na,gas,7\n")
    held = book("BTC_USDC-PERPETUAL")
    found = mc.venue_margin(held, market, preset, provisions=path)
    assert found.im_usd[0] == mc.venue_margin(held, market, preset).im_usd[0] + 14.0
    ratio = mc.load_preset("okx_pm", {"provisions": {"MR8": {"im": 4.0}}})
    assert ratio.provision("MR8").im == 4.0


@pytest.mark.parametrize(
    "rows, error, words",
    [
        ([("a", "fee", 1.0), ("c", "fee", 1.0)], UnknownInstrumentError, "'c' is not in the book"),
        ([("a", "fee", 1.0), ("a", "MR8", 1.0)], NotMarginableError,
         "paradex_pm has no provision 'MR8'; there are funding, fee"),
        ([("a", "fee", 1.0), ("a", "fee", -1.0)], DomainError, "-1 is below 0"),
        ([("a", "fee", 1.0), ("a", "fee", float("inf"))], FileError, "inf is not finite"),
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_named(market, rows, error, words):
    with pytest.raises(error, match=words) as caught:
        mc.venue_margin(book("BTC_USDC-PERPETUAL"), market, "paradex_pm", provisions=table(*rows))
    assert caught.value.row == 1
    assert "provisions, row 1" in str(caught.value)


def test_a_table_that_makes_no_sense_is_named(market):
    held = book("BTC_USDC-PERPETUAL")
    with pytest.raises(FileError, match="no column 'amount_usd'"):
        mc.venue_margin(held, market, "okx_pm", provisions={"account": ["a"], "provision": ["x"]})
    with pytest.raises(FileError, match="row 0"):
        mc.venue_margin(held, market, "paradex_pm", provisions=table(("a", "fee", float("nan"))))
    with pytest.raises(NotMarginableError, match="dydx_v4 has no provision 'fee'; it has none"):
        mc.venue_margin(held, market, "dydx_v4", provisions=table(("a", "fee", 1.0)))


def test_a_preset_that_contradicts_itself_is_refused(market):
    rule = {"name": "scan", "source": "docs"}
    with pytest.raises(ModelError, match="'scan' is there twice"):
        mc.load_preset("span", {"provisions": [rule | {"source": "book"}] * 2})
    preset = mc.load_preset("paradex_pm", {"provisions": []})
    assert preset.provisions == ()
    preset = mc.load_preset(preset, {"provisions": [rule]})
    with pytest.raises(ModelError, match="'scan' is the name of another part"):
        mc.venue_margin(
            book("BTC_USDC-PERPETUAL"), market, preset, provisions=table(("a", "scan", 1.0))
        )
    with pytest.raises(ModelError, match="provisions.1.mm"):
        mc.load_preset("paradex_pm", {"provisions": {"fee": {"mm": -1.0}}})


def test_a_case_of_ones_own_may_have_them(tmp_path):
    case = {
        "name": "two perpetuals and a fee", "now_ns": NOW, "index_usd": INDEX,
        "quotes": [{"instrument": "BTC_USDC-PERPETUAL", "forward_usd": 1e5}],
        "positions": [{"instrument": "BTC_USDC-PERPETUAL", "quantity": 2.0}],
        "provisions_usd": {"fee": 25.0},
        "expect": {"im_usd": 32025.0, "mm_usd": 16025.0, "part.fee": 25.0},
    }  # fmt: skip
    file = {"margin_core_cases": 1, "preset": "paradex_pm", "tolerance": 1e-12, "cases": [case]}
    (tmp_path / "own.json").write_text(json.dumps(file))
    (result,), _ = conform(tmp_path)
    assert (result.cases, result.passed, result.unreadable) == (1, 1, [])


def test_the_command_lists_them(capsys):
    with pytest.raises(SystemExit) as done:
        main(["model", "okx_pm"])
    assert done.value.code == 0
    assert "MR8: IM 5 x, MM 1 x" in capsys.readouterr().out
