# SPDX-License-Identifier: Apache-2.0
"""The bridge haircut: the fit, its uncertainty, and the shortfall against brute force."""

import csv
import math

import numpy as np
import pytest

from margin_core import load_catalogue
from margin_core.collateral.bridge import (
    LossSize,
    bootstrap,
    bridge_haircut,
    fit_losses,
    shortfall,
)
from margin_core.errors import ArgumentError, DomainError

C = load_catalogue()
SIZE = LossSize(C.severity.log_mean, C.severity.log_sd)
CASE = {
    "backing_usd": 1e9,
    "share_at_risk_frac": 0.5,
    "failures_per_year": 0.05,
    "days": 8.0,
    "tail_frac": 0.005,
}


@pytest.mark.parametrize("failures_per_year", [0.01, 0.05, 0.5, 5.0])
def test_it_is_the_mean_of_the_worst_outcomes(failures_per_year):
    """Against 4,000,000 simulated horizons; four standard errors of the tail's mean."""
    case = {**CASE, "failures_per_year": failures_per_year}
    rng = np.random.default_rng(7)
    n = 4_000_000
    fails = rng.random(n) < -math.expm1(-failures_per_year * case["days"] / 365)
    sizes = np.exp(SIZE.log_mean + SIZE.log_sd * rng.standard_normal(fails.sum()))
    loss = np.zeros(n)
    loss[fails] = np.minimum(sizes, 0.5e9) / 1e9
    tail = np.sort(loss)[-int(n * 0.005) :]
    assert shortfall(SIZE, **case) == pytest.approx(
        tail.mean(), abs=4 * tail.std() / math.sqrt(len(tail)) + 1e-6
    )


def test_more_risk_never_lowers_it():
    for name, rising in (("share_at_risk_frac", [0.0, 0.1, 0.5, 1.0]),
                         ("failures_per_year", [0.0, 0.01, 0.1, 1.0, 10.0]),
                         ("days", [0.0, 1.0, 10.0, 100.0])):  # fmt: skip
        values = [shortfall(SIZE, **{**CASE, name: value}) for value in rising]
        assert values[0] == 0.0 and values == sorted(values), name
        assert 0.0 < values[-1] <= 1.0


def test_a_claim_on_nothing_has_lost_all():
    assert shortfall(SIZE, **{**CASE, "backing_usd": 0.0}) == 1.0


def test_classes_are_ordered_by_what_must_fail():
    names = ("canonical", "issuer", "light_client", "optimistic", "external", "liquidity")
    rates = [C.bridge_classes[name].failures_per_year for name in names]
    assert rates == sorted(rates)
    for name, bridge in C.bridges.items():
        assert 0.0 < bridge_haircut(C, name) < 0.1, name
        if bridge.security == "canonical":
            assert bridge_haircut(C, name) < bridge_haircut(C, "wormhole")


def test_losses_that_are_none_are_named():
    with pytest.raises(DomainError, match="row 1"):
        fit_losses([1e6, 0.0])
    with pytest.raises(DomainError, match="row 0"):
        bootstrap([math.nan, 1e6])
    with pytest.raises(ArgumentError, match="two losses"):
        fit_losses([1e6])


def test_a_fit_by_hand():
    size = fit_losses([math.exp(10.0), math.exp(14.0)])
    assert (size.log_mean, size.log_sd) == pytest.approx((12.0, math.sqrt(8.0)))


@pytest.fixture(scope="module")
def losses(shared):
    path = shared / "data" / "bridges" / "bridge_hacks_sok.csv"
    with path.open(encoding="utf-8") as file:
        return [float(row["value"]) for row in csv.DictReader(file)]


def test_the_catalogues_severity_is_the_fit(losses):
    size = fit_losses(losses)
    assert len(losses) == C.severity.losses
    assert size.log_mean == pytest.approx(C.severity.log_mean, abs=5e-4)
    assert size.log_sd == pytest.approx(C.severity.log_sd, abs=5e-4)


def test_the_documented_intervals_are_the_bootstraps(losses):
    """docs/method/collateral.md, "Calibration of the bridge haircut"."""
    low, high = np.quantile(bootstrap(losses), [0.025, 0.975], axis=0)
    assert low == pytest.approx([15.02, 2.28], abs=0.006)
    assert high == pytest.approx([16.88, 3.18], abs=0.006)
