# SPDX-License-Identifier: Apache-2.0
"""Probabilities of a call and of ruin: shares of scenarios against closed forms and plain loops."""

import math

import numpy as np
import pytest

import margin_core as mc
from margin_core._binding import _margin, _risk, _sweep
from margin_core.errors import ArgumentError, DomainError
from margin_core.ruin import barrier_probability, draws, ruin, scaled_history

NOW = 1_767_225_600_000_000_000
VOL = 0.8


@pytest.fixture(scope="module")
def margin():
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [3_000.0]}
    market = mc.Market.from_table(quotes, now=NOW, index={"ETH": 3_000.0, "USDC": 1.0})
    return mc.Margin.of(market)


def held(*rows):
    account, instrument, quantity = zip(*rows, strict=True)
    return mc.Book.from_tables({"account": account, "instrument": instrument, "quantity": quantity})


def normal(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def below(move, days=1.0):
    """The chance that a driftless lognormal is below 1 + move at the horizon."""
    s = VOL * math.sqrt(days / 365.0)
    return normal((math.log1p(move) + 0.5 * s * s) / s)


def test_one_linear_exposure_is_the_normal_distribution(margin):
    """30,000 USD long on 2,000 of equity: ruined below -2000 / 30000; short: above."""
    book = held(("long", "ETH_USDC-PERPETUAL", 10.0), ("long", "USDC", 2_000.0),
                ("short", "ETH_USDC-PERPETUAL", -10.0), ("short", "USDC", 2_000.0))  # fmt: skip
    worlds = draws({"ETH": VOL, "USDC": 0.0}, 1.0, 20_000, seed=3)
    found = ruin(book, margin, worlds)
    standing = mc.sweep(book, margin)
    lines = (standing.amount("mm") - standing.amount("equity")) / 30_000.0
    expected = [below(-2_000.0 / 30_000.0), 1.0 - below(2_000.0 / 30_000.0)]
    called = [below(lines[0]), 1.0 - below(-lines[1])]
    assert np.abs(found.ruined - expected).max() < 4.0 * found.ruined_error.max()
    assert np.abs(found.called - called).max() < 4.0 * found.called_error.max()
    assert found.effective == 20_000.0
    assert list(found.table()) == ["accounts", "called", "called_error", "ruined", "ruined_error"]


def test_a_hedge_is_safer_than_either_leg_and_weights_count(margin):
    book = held(("naked", "ETH", 1.0), ("naked", "USDC", -2_500.0),
                ("carry", "ETH", 1.0), ("carry", "USDC", -2_500.0),
                ("carry", "ETH_USDC-PERPETUAL", -1.0))  # fmt: skip
    worlds = draws({"ETH": VOL, "USDC": 0.0}, 7.0, 2_000, seed=1)
    naked, carry = ruin(book, margin, worlds).ruined
    assert naked > 0.03 and carry == 0.0
    falls = worlds.spot_move[worlds.units.index("ETH")] < 0.0
    only_falls = ruin(book, margin, worlds, falls.astype(float)).ruined[0]
    assert only_falls == pytest.approx(naked * len(worlds) / falls.sum())


def test_a_barrier_agrees_with_paths():
    """Brownian bridges between the ends of many paths tell whether the barrier was met."""
    rng = np.random.Generator(np.random.PCG64(5))
    s = VOL * math.sqrt(1.0 / 365.0)
    end = -0.5 * s * s + s * rng.standard_normal(400_000)
    for move in (-0.05, -0.1, 0.05):
        b = math.log1p(move)
        beyond = end <= b if b < 0.0 else end >= b
        met = np.where(beyond, 1.0, np.exp(-2.0 * b * (b - end) / (s * s)))
        error = met.std() / math.sqrt(len(met))
        assert abs(float(barrier_probability(VOL, 1.0 / 365.0, move)) - met.mean()) < 4.0 * error


def test_history_is_scaled_to_the_volatility_of_now():
    close = np.array([100.0, 110.0, 99.0, 108.9])
    plain = scaled_history({"A": close}, 1)
    np.testing.assert_allclose(plain.spot_move[0], [0.1, -0.1, 0.1])
    scaled = scaled_history({"A": close}, 1, vol={"A": np.array([1.0, 2.0, 0.5, 1.0])})
    expected = np.expm1(np.log([1.1, 0.9, 1.1]) * [1.0, 0.5, 2.0])
    np.testing.assert_allclose(scaled.spot_move[0], expected)
    assert len(scaled_history({"A": close, "B": close}, 2)) == 2


def test_shares_are_those_of_plain_loops_on_every_copy():
    errors = pytest.importorskip("margin_core._binding._errors")
    rng = np.random.Generator(np.random.PCG64(7))
    for n_scenarios, quantum in ((1, 1e-6), (33, 1e-6), (65, 0.0), (200, 1e-6)):
        cells = np.rint(rng.normal(0.0, 1e3, (20, n_scenarios)))
        cells[:, rng.integers(n_scenarios)] = 0.0
        lots = np.rint(rng.normal(0.0, 10.0, 5 * 3000))
        rows = np.sort(rng.permuted(np.tile(np.arange(20), (3000, 1)), axis=1)[:, :5]).ravel()
        book = _margin.BookHandle(n_instruments=20, offset=np.arange(0, 15_001, 5),
                                  instrument=rows.astype(np.int32), lots=lots)  # fmt: skip
        weight, line = rng.uniform(0.0, 1.0, n_scenarios), rng.normal(0.0, 2e4, (3000, 3))
        pnl = (lots[:, None] * cells[rows]).reshape(3000, 5, -1).sum(axis=1)
        expected = ((pnl[:, None, :] < line[:, :, None]) * weight).sum(axis=2)
        risk = _risk.RiskHandle.adopt(cells, quantum)
        best, first = errors.isa(), None
        for name in errors.isas():
            errors.select_isa(name)
            for threads in (1, 3):
                share = np.full((3000, 3), np.nan)
                _sweep.shares_below(risk, book, 0, weight, line, share, threads)
                np.testing.assert_allclose(share, expected, rtol=1e-13, atol=1e-12)
                first = share.tobytes() if first is None else first
                assert share.tobytes() == first
        errors.select_isa(best)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda m, b, s: ruin(b, m, s, [1.0]), ArgumentError, "shape"),
        (lambda m, b, s: ruin(b, m, s, np.zeros(len(s))), DomainError, "not all 0"),
        (lambda m, b, s: ruin(b, m, s, np.full(len(s), np.nan)), DomainError, "finite"),
        (lambda m, b, s: draws({"A": 0.5}, 1.0, 3), ArgumentError, "n is even"),
        (lambda m, b, s: draws({"A": -0.5}, 1.0, 2), ArgumentError, "volatilities"),
        (lambda m, b, s: draws({"A": 0.5}, 0.0, 2), ArgumentError, "horizon_days"),
        (lambda m, b, s: draws({"A": 0.5, "B": 0.5}, 1.0, 2, correlation=[[1, 2], [2, 1]]),
         ArgumentError, "semidefinite"),
        (lambda m, b, s: scaled_history({"A": [1.0, 2.0]}, 2), ArgumentError, "step is 2"),
        (lambda m, b, s: scaled_history({"A": [1.0, -2.0]}, 1), DomainError, "close of A"),
        (lambda m, b, s: barrier_probability(0.0, 1.0, -0.1), DomainError, "positive"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(margin, call, error, words):
    worlds = draws({"ETH": VOL, "USDC": 0.0}, 1.0, 4)
    with pytest.raises(error, match=words):
        call(margin, held(("a", "ETH", 1.0)), worlds)


def test_weights_of_any_size_are_shares(margin):
    """A sum past the largest float, or squares below the least: the same as weights of 1, 2, 3."""
    book = held(("a", "ETH_USDC-PERPETUAL", 10.0), ("a", "USDC", 2_000.0))
    worlds = draws({"ETH": VOL, "USDC": 0.0}, 1.0, 300, seed=3)
    weights = 1.0 + np.arange(300) % 3
    said = ruin(book, margin, worlds, weights)
    assert 0.0 < said.ruined[0] < 1.0
    for scale in (2.0**1020, 2.0**-1000):
        again = ruin(book, margin, worlds, weights * scale)
        assert again.ruined == said.ruined and again.effective == said.effective
    with pytest.raises(ArgumentError, match="weights: numbers"):
        ruin(book, margin, worlds, ["x"] * 300)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"close": {}}, ArgumentError, "at least one unit"),
        ({"close": {"ETH": 1.0}}, ArgumentError, "at least one unit"),
        ({"close": {"ETH": ["x", "y", "z"]}}, ArgumentError, "close of ETH: numbers"),
        ({"close": "ETH"}, ArgumentError, "close: a mapping"),
        ({"step": 1.5}, DomainError, "step 1.5 is not a whole"),
        ({"step": 3}, ArgumentError, "step is 3; 1 to 2 with 3"),
        ({"horizon_days": -1.0}, ArgumentError, "horizon_days is -1"),
        ({"horizon_days": float("nan")}, ArgumentError, "horizon_days is nan"),
        ({"vol": {"BTC": [1.0, 1.0, 1.0]}}, ArgumentError, "vol has none of ETH"),
        ({"vol": {}}, ArgumentError, "vol has none of ETH"),
    ],
)
def test_a_history_that_makes_no_sense_is_refused(change, error, words):
    given = {"close": {"ETH": [1.0, 2.0, 3.0]}, "step": 1} | change
    with pytest.raises(error, match=words):
        scaled_history(given.pop("close"), given.pop("step"), **given)


def test_draws_of_nothing_are_refused():
    with pytest.raises(ArgumentError, match="vol names no unit"):
        draws({}, 1.0, 2)
    with pytest.raises(ArgumentError, match="vol: a mapping"):
        draws([0.8], 1.0, 2)
    with pytest.raises(DomainError, match="horizon_days"):
        draws({"ETH": 0.8}, "1", 2)
