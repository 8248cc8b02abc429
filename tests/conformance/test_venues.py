# SPDX-License-Identifier: Apache-2.0
"""Each preset against its venue's own answers, at the precision that docs/venues promises.

The answers are not part of the repository; docs/venues says where anybody can obtain them.
"""

import json

import pytest

from margin_core.venues.answers.auctions import derive_auction
from margin_core.venues.answers.record import Record
from margin_core.venues.conform import conform

#: The least number of cases: a file that lost its cases must not pass.
CASES = {"derive_pm2": 47, "derive_pm1": 7, "derive_sm": 10, "derive_auction": 3, "deribit_pme": 1,
         "okx_pm": 1, "paradex_pm": 1, "span_classic": 2, "dydx_v4": 8, "drift_v2": 11,
         "mango_v4": 7, "hyperliquid_pm": 4}  # fmt: skip


@pytest.fixture(scope="module")
def vectors(shared):
    folder = shared / "vectors"
    if not folder.is_dir():
        pytest.skip(f"no known answers in {folder}")
    return folder


@pytest.fixture(scope="module")
def results(vectors):
    found, _ = conform(vectors)
    return {result.suite: result for result in found}


@pytest.mark.parametrize("suite", CASES)
def test_a_preset_gives_the_venues_numbers(results, suite):
    result = results[suite]
    assert not result.unreadable
    assert not result.failure
    assert result.cases == result.passed >= CASES[suite]


def test_intermediate_numbers_agree_too(results):
    for result in results.values():
        assert result.parts <= 1e-13, result.suite


def test_a_version_2_margin_is_exact_to_the_rounding_of_a_forward(results):
    """To the number itself: a fly worth a seventieth of its strikes is the hardest."""
    assert results["derive_pm2"].plain <= 2e-14


def test_every_file_is_read(vectors):
    _, notes = conform(vectors)
    assert notes == []


@pytest.mark.parametrize(
    "field, factor",
    [("ExpectedBidPrice", 1 + 1e-10), ("PreMtM", 1 + 1e-6), ("PostMM", 1 - 1e-10),
     ("FinalPercentageReceived", 1 + 1e-10)],
)  # fmt: skip
def test_a_drift_of_an_auction_is_found(vectors, tmp_path, field, factor):
    data = json.loads((vectors / "derive_auction.json").read_text())
    data["cases"]["Test1"]["Actions"][0]["Results"][field] *= factor
    (tmp_path / "derive_auction.json").write_text(json.dumps(data))
    (result,), _ = conform(tmp_path)
    assert (result.cases, result.passed) == (3, 2)
    assert f"0.{field}: ours" in result.failure


def test_every_number_of_an_auction_is_judged(vectors):
    data = json.loads((vectors / "derive_auction.json").read_text())
    numbers = sum(
        len(action["Results"]) for case in data["cases"].values() for action in case["Actions"]
    )
    cases = [unread.read() for unread in derive_auction(Record(data, "derive_auction.json"), "")]
    judged = [e for case in cases for e in case.expected if not e.part]
    assert len(judged) == numbers + len(cases)  # and a fee each


def test_a_fillable_price_that_is_off_by_a_trillionth_is_found(vectors, tmp_path):
    data = json.loads((vectors / "dydx_v4.json").read_text())
    data["fillable_price"]["cases"][0]["expect"] += 5e-8
    (tmp_path / "dydx_v4.json").write_text(json.dumps(data))
    (result,), _ = conform(tmp_path)
    assert result.passed == result.cases - 1
    assert "fillable_price.0" in result.failure


@pytest.mark.parametrize("path, factor", [("IM", 1.0 + 1e-12), ("MM", 1.0 - 1e-12)])
def test_a_drift_beyond_the_tolerance_is_found(vectors, tmp_path, path, factor):
    source = sorted((vectors / "derive_pm2").glob("test_64*.json"))[0]
    data = json.loads(source.read_text())
    data["Result"][path] *= factor
    folder = tmp_path / "derive_pm2"
    folder.mkdir()
    (folder / "case.json").write_text(json.dumps(data))
    (result,), _ = conform(tmp_path)
    assert (result.cases, result.passed) == (1, 0)
    assert f"{path}: ours" in result.failure


@pytest.mark.parametrize(
    "suite, path",
    [("derive_pm1", ["cases"]), ("derive_sm", ["cases"]), ("dydx_v4", ["oimf", "cases"]),
     ("drift_v2", ["asset_weight_cases"]), ("drift_v2", ["liability_weight_cases"]),
     ("mango_v4", ["cases"]), ("derive_auction", ["cases"]),
     ("dydx_v4", ["fillable_price", "cases"]), ("span_classic", ["requirements"])],
)  # fmt: skip
def test_a_case_that_cannot_be_read_leaves_the_others(vectors, tmp_path, suite, path):
    data = json.loads((vectors / f"{suite}.json").read_text())
    cases = data
    for key in path:
        cases = cases[key]
    first = next(iter(cases)) if isinstance(cases, dict) else 0
    cases[first] = None
    (tmp_path / f"{suite}.json").write_text(json.dumps(data))
    results, _ = conform(tmp_path)
    result = next(result for result in results if result.suite == suite)
    assert result.cases == CASES[suite]
    assert result.passed == CASES[suite] - 1
    assert len(result.unreadable) == 1 and f"{path[-1]}.{first}" in result.unreadable[0]
