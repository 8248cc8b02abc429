# SPDX-License-Identifier: Apache-2.0
"""`margin-core conform`: the documented form, what fails, and files that make no sense."""

import json
from pathlib import Path

import pytest

from margin_core.cli import main
from margin_core.errors import FileError
from margin_core.venues.conform import conform

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "venues" / "own_case.json"


def run(capsys, folder):
    with pytest.raises(SystemExit) as done:
        main(["conform", str(folder)])
    return done.value.code, *capsys.readouterr()


@pytest.fixture
def own(tmp_path):
    """Writes the example with something changed by a function, and returns its folder."""

    def write(change):
        data = json.loads(EXAMPLE.read_text())
        change(data)
        (tmp_path / "own.json").write_text(json.dumps(data))
        return tmp_path

    return write


def test_the_example_of_the_documented_form_passes(capsys):
    code, out, _ = run(capsys, EXAMPLE.parent)
    assert code == 0
    assert "own cases" in out


def test_a_wrong_answer_is_shown_in_full_and_fails(capsys, own):
    def change(data):
        data["cases"][0]["expect"]["im_usd"] = 32001.0

    code, out, _ = run(capsys, own(change))
    assert code == 1
    assert "two perpetuals, bought at the mark, preset paradex_pm" in out
    assert "im_usd: ours 32000.0, venue 32001.0" in out
    assert "mm_usd: ours 16000.0, venue 16000.0" in out


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda d: d.update(colour=1), "own.json: colour: unknown field"),
        (lambda d: d.pop("preset"), "own.json: preset: missing"),
        (lambda d: d.update(preset="nobody"), "nobody"),
        (lambda d: d.update(preset=["x"]), "preset: must be text, not a list"),
        (lambda d: d.update(overrides={"factors": {"mm": -1}}), "factors.mm"),
        (lambda d: d.update(overrides=[]), "overrides: must be an object"),
        (lambda d: d.update(tolerance=2), "tolerance"),
        (lambda d: d.update(margin_core_cases=2), "version 1"),
        (lambda d: d.update(cases={}), "cases: must be a list, not an object"),
        (lambda d: d["cases"][0].pop("quotes") and None, "quotes"),
        (lambda d: d["cases"][0]["quotes"][0].update(forward_usd="1e5"), "cases.0.quotes.0"),
        (lambda d: d["cases"][0]["quotes"][0].update(forward_usd=None), "forward_usd"),
        (
            lambda d: d["cases"][0]["quotes"][0].update(forward_usd=-1.0),
            "cases.0.quotes, row 0, forward_usd",
        ),
        (lambda d: d["cases"][0]["positions"][0].update(quantity=True), "quantity"),
        (lambda d: d["cases"][0]["positions"][0].update(instrument="BTC_USDC-1JAN27"), "BTC_USDC"),
        (lambda d: d["cases"][0]["positions"][0].update(instrument="BTC-PERPETUAL"), "BTC"),
        (lambda d: d["cases"][0]["index_usd"].update(BTC=0), "BTC"),
        (lambda d: d["cases"][0]["expect"].update(fee=1), "expect: fee: unknown"),
        (lambda d: d["cases"][0]["expect"].update({"part.x": 1}), "part.x: no such part"),
        (lambda d: d["cases"][0]["expect"].update(im_usd=[1]), "im_usd: must be a number"),
        (lambda d: d["cases"][0].update(now_ns=1e300), "own.json"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_with_its_field(capsys, own, change, words):
    code, _, err = run(capsys, own(change))
    assert code == 2
    assert words in err
    assert "own.json" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda d: d["cases"].insert(0, 3), "own.json: cases.0: must be an object, not a number"),
        (lambda d: d["cases"].insert(1, {}), "own.json: cases.1.expect: missing"),
        (lambda d: d["cases"][0].update(colour=1), "own.json: cases.0.colour: unknown field"),
        (lambda d: d["cases"][0]["expect"].update({"part.x": 1}), "part.x: no such part"),
        (lambda d: d["cases"][0]["index_usd"].update(BTC=-1), "own.json: "),
    ],
)
def test_a_damaged_case_leaves_the_others(capsys, own, change, words):
    folder = own(change)
    n = len(json.loads((folder / "own.json").read_text())["cases"])
    (result,), _ = conform(folder)
    assert (result.cases, result.passed) == (n, n - 1)
    assert len(result.unreadable) == 1 and words in result.unreadable[0]
    code, out, err = run(capsys, folder)
    assert code == 2 and words in err
    assert f"{n}       {n - 1}" in out


def test_a_damaged_answer_of_a_venue_leaves_the_others(tmp_path):
    good = deribit()["vectors"][0]
    vectors = [good, {**good, "index_price": None}, 7, {**good, "positions": {}, "id": "x"}, good]
    (tmp_path / "deribit_pme.json").write_text(json.dumps({"vectors": vectors}))
    (result,), _ = conform(tmp_path)
    assert (result.cases, result.passed) == (5, 2)
    assert result.unreadable[0].startswith("deribit_pme.json: vectors.1.index_price: must be")
    assert result.unreadable[1] == "deribit_pme.json: vectors.2: must be an object, not a number"


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "not JSON"),
        ('{"vectors": [{"id": NaN}]}', "NaN is not JSON"),
        ('{"vectors": [{"id": 1e999}]}', "too large"),
        ("[]", "must be an object, not a list"),
        ('{"vectors": 3}', "vectors: must be a list, not a number"),
        ('{"vectors": [{}]}', "vectors.0.positions: missing"),
        ('{"vectors": [{"positions": {}, "expected": {}, "provenance": 1}]}', "provenance"),
        ("\x00", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_damaged_answer_of_a_venue_is_named(capsys, tmp_path, text, words):
    (tmp_path / "deribit_pme.json").write_text(text)
    code, out, err = run(capsys, tmp_path)
    assert code == 2
    assert "deribit_pme.json" in err and words in err
    assert "deribit_pme" in out


def deribit(**changes):
    """A position of one perpetual that needs nothing, and what the venue says of it."""
    own = {"pnl_offset": 0, "annualised_move_risk": 0, "min_annualised_move": 0,
           "extended_dampener": 0}  # fmt: skip
    params = {
        "mm_factor": 0.8, "buckets_count": 4, "vol_scenarios_count": 3, "price_range": 0.16,
        "m_inc": 0, "delta_total_liq_shock_threshold": 0, "max_delta_shock": 0,
        "min_volatility_for_shock_up": 0.5, "volatility_range_up": 0.5,
        "volatility_range_down": 0.25, "extended_table_factor": 1, "short_term_vega_power": 0.3,
        "long_term_vega_power": 0.13, "ccy_btc": own,
    }  # fmt: skip
    vector = {
        "id": "one", "provenance": "made up", "index_price": 50_000.0, "params": params,
        "positions": {"BTC-PERPETUAL": {"size_base": 1.0, "mark": 50_000.0}},
        "expected": {"initial_margin": 0.190476190, "maintenance_margin": 0.152380952},
    }  # fmt: skip
    return {"vectors": [vector | changes]}


def test_an_answer_with_its_totals_only_is_enough(capsys, tmp_path):
    """Long one coin: .16 / .84 of it is lost at -16 %, rounded to 1e-9."""
    (tmp_path / "deribit_pme.json").write_text(json.dumps(deribit()))
    code, out, _ = run(capsys, tmp_path)
    assert code == 0
    assert "deribit_pme" in out


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"positions": {"BTC-28JUN24-60000-C": {"size_base": 1, "mark": 1}}}, "neither a future"),
        ({"params": deribit()["vectors"][0]["params"] | {"buckets_count": 10**9}}, "buckets_count"),
        ({"params": deribit()["vectors"][0]["params"] | {"buckets_count": 0}}, "buckets_count"),
        ({"params": deribit()["vectors"][0]["params"] | {"price_range": 1.5}}, "range_frac"),
        ({"index_price": 0}, "one"),
        ({"index_price": [0]}, "index_price: must be a number, not a list"),
    ],
)
def test_numbers_that_make_no_sense_are_named(capsys, tmp_path, changes, words):
    (tmp_path / "deribit_pme.json").write_text(json.dumps(deribit(**changes)))
    code, _, err = run(capsys, tmp_path)
    assert code in (1, 2)
    assert code == 1 or words in err


def test_a_folder_in_place_of_a_file_is_named(capsys, tmp_path):
    (tmp_path / "own.json").mkdir()
    code, _, err = run(capsys, tmp_path)
    assert code == 2
    assert "own.json" in err


def test_the_other_suites_still_run(capsys, tmp_path):
    (tmp_path / "okx_pm.json").write_text("{}")
    (tmp_path / "own.json").write_text(EXAMPLE.read_text())
    code, out, err = run(capsys, tmp_path)
    assert code == 2
    assert "own cases" in out and "2       2" in out


def test_a_folder_without_answers_is_an_error(tmp_path):
    with pytest.raises(FileError, match="no known answers"):
        conform(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        conform(tmp_path / "nowhere")


def test_a_file_that_nobody_reads_is_mentioned(tmp_path):
    (tmp_path / "own.json").write_text(EXAMPLE.read_text())
    (tmp_path / "other.json").write_text("{}")
    _, notes = conform(tmp_path)
    assert notes == ["other.json: no reader"]
