# SPDX-License-Identifier: Apache-2.0
"""Prices, Greeks and volatilities against 60 digits, inside the promised bounds everywhere.

The box: |ln F/K| <= 3 and vol sqrt(T) in [1e-6, 5], both drawn so that most options are within
7.5 deviations of the money.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from conformance.exact_pricing import EPSILON, bachelier, black76, error
from margin_core import pricing
from margin_core._binding import _errors
from margin_core.errors import MarginCoreError, NoSolutionError
from margin_core.reference import pricing as reference

GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga")
SPECIAL = (0.0, -0.0, 5e-324, 1e-308, 1e-16, 1.0, 1e16, 1e308, math.inf, -math.inf, math.nan, -1.0)


@pytest.fixture(params=[2500, pytest.param(30_000, marks=pytest.mark.nightly)])
def n(request):
    return request.param


@pytest.fixture(params=_errors.isas())
def isa(request):
    before = _errors.isa()
    _errors.select_isa(request.param)
    yield request.param
    _errors.select_isa(before)


def box(n, seed):
    rng = np.random.default_rng(seed)
    s = np.exp(rng.uniform(math.log(1e-6), math.log(5.0), n))
    years = np.exp(rng.uniform(math.log(1e-4), math.log(10.0), n))
    x = np.where(rng.random(n) < 0.7, rng.uniform(-7.5, 7.5, n) * s, rng.uniform(-3.0, 3.0, n))
    forward = np.exp(rng.uniform(-3.0, 12.0, n))
    strike = forward * np.exp(-np.clip(x, -3.0, 3.0))
    strike = np.where(rng.random(n) < 0.03, forward, strike)
    discount = np.where(rng.random(n) < 0.2, 1.0, rng.uniform(0.5, 1.1, n))
    return forward, strike, years, s / np.sqrt(years), rng.random(n) < 0.5, discount


def relative(values, exact):
    return np.array(
        [error(v, e) / max(abs(float(e)), 1e-300) for v, e in zip(values, exact, strict=True)]
    )


def absolute(values, exact):
    return np.array([error(v, e) for v, e in zip(values, exact, strict=True)])


def column(rows, name):
    return [row[name] for row in rows]


def test_black76_is_within_its_bounds(n, isa):
    forward, strike, years, vol, _, discount = inputs = box(n, 1)
    found = pricing.black76(*inputs)
    exact = [black76(*row) for row in zip(*inputs, strict=True)]
    top = np.maximum(forward, strike)
    out_of_the_money = np.array(
        [
            float(black76(f, k, t, v, f <= k)["price"])
            for f, k, t, v in zip(*inputs[:4], strict=True)
        ]
    )
    seen = out_of_the_money >= 1e-12 * top

    assert seen.sum() > 0.4 * n
    assert (found.price >= 0.0).all()
    assert relative(found.price, column(exact, "price"))[seen].max() <= 1e-13
    assert (absolute(found.price, column(exact, "price")) <= 8 * EPSILON * discount * top).all()
    assert (absolute(found.delta, column(exact, "delta")) <= 4 * EPSILON * discount).all()
    for name in ("gamma", "vega"):
        assert relative(getattr(found, name), column(exact, name))[seen].max() <= 1e-13

    # These vanish inside the box: bounds against the size of the terms that cancel.
    s = vol * np.sqrt(years)
    d = np.abs(np.log(forward / strike)) / s + s
    scale = {
        "theta": discount * top * (s + np.abs(np.log(discount))) / years / 365,
        "rho": strike * years * discount,
        "vanna": np.array([float(v) for v in column(exact, "gamma")]) * forward * s * d / vol,
        "volga": np.array([float(v) for v in column(exact, "vega")]) * d * d / vol,
    }
    for name, size in scale.items():
        wrong = absolute(getattr(found, name), column(exact, name))[seen]
        bound = (4 * EPSILON if name in ("theta", "rho") else 1e-13) * size[seen]
        assert (wrong <= bound).all(), name


def test_bachelier_is_within_its_bounds(n, isa):
    rng = np.random.default_rng(2)
    forward, _, years, vol, is_call, discount = box(n, 2)
    forward = np.where(rng.random(n) < 0.3, -forward, forward)
    vol = vol * np.abs(forward)
    s = vol * np.sqrt(years)
    h = np.where(rng.random(n) < 0.03, 0.0, rng.uniform(-7.5, 7.5, n))
    strike = forward - h * s
    inputs = forward, strike, years, vol, is_call, discount
    found = pricing.bachelier(*inputs)
    exact = [bachelier(*row) for row in zip(*inputs, strict=True)]
    top = np.maximum(np.maximum(np.abs(forward), np.abs(strike)), s)
    out_of_the_money = np.array(
        [
            float(bachelier(f, k, t, v, f <= k)["price"])
            for f, k, t, v in zip(*inputs[:4], strict=True)
        ]
    )
    seen = out_of_the_money >= 1e-12 * s

    assert (found.price >= 0.0).all()
    assert relative(found.price, column(exact, "price"))[seen].max() <= 1e-13
    assert (absolute(found.price, column(exact, "price")) <= 8 * EPSILON * discount * top).all()
    assert (absolute(found.delta, column(exact, "delta")) <= 4 * EPSILON * discount).all()
    for name in ("gamma", "vega"):
        assert relative(getattr(found, name), column(exact, name))[seen].max() <= 1e-13
    for name in ("vanna", "volga"):  # exactly zero at the money
        assert relative(getattr(found, name), column(exact, name))[seen & (h != 0)].max() <= 1e-13
    theta = discount * top * (1 + np.abs(np.log(discount))) / years / 365
    assert (absolute(found.theta, column(exact, "theta")) <= 4 * EPSILON * theta).all()
    rho = discount * years * (np.abs(strike) + s)
    assert (absolute(found.rho, column(exact, "rho")) <= 4 * EPSILON * rho).all()


def test_volatility_is_found_to_the_last_digits_of_the_price(n, isa):
    forward, strike, years, vol, is_call, discount = box(n, 3)
    exact = [
        black76(*row) for row in zip(forward, strike, years, vol, is_call, discount, strict=True)
    ]
    price = np.array([float(row["price"]) for row in exact])
    vega = np.array([float(row["vega"]) for row in exact])
    top = np.maximum(forward, strike)
    value = np.array(
        [float(black76(f, k, t, v, f <= k)["price"])
         for f, k, t, v in zip(forward, strike, years, vol, strict=True)]
    )  # fmt: skip
    limit = discount * np.where(is_call, forward, strike)
    payoff = np.where(is_call, forward - strike, strike - forward)
    seen = (value >= 1e-12 * top) & (price < limit) & (price > discount * np.maximum(payoff, 0.0))
    rows = [a[seen] for a in (price, forward, strike, years, is_call, discount)]
    found = pricing.implied_vol(*rows)
    wrong = np.abs(found / vol[seen] - 1.0)
    assert seen.sum() > 0.3 * n
    assert (wrong <= 1e-12 + 4 * EPSILON * price[seen] / (vol[seen] * vega[seen])).all()
    sharp = price[seen] < 4.0 * vol[seen] * vega[seen]  # the price says all of the volatility
    assert wrong[sharp].max() <= 5e-14


def test_volatility_far_below_the_promise_is_still_found():
    for u, x in itertools.product((8.0, 12.0, 20.0, 30.0), (1e-3, 0.1, 1.0, 10.0, 100.0)):
        s = 2 * x / (u + math.sqrt(u * u + 2 * x))  # d1 = -u
        strike = math.exp(x)
        price = float(black76(1.0, strike, 1.0, s, True)["price"])
        if price > 1e-290:
            assert pricing.implied_vol(price, 1.0, strike, 1.0, True) == pytest.approx(s, rel=1e-12)


@pytest.mark.parametrize("model", ["black76", "bachelier"])
def test_special_values_give_the_exact_result_or_name_the_row(model):
    function = getattr(pricing, model)
    oracle = {"black76": black76, "bachelier": bachelier}[model]
    in_vol = [(f, k, 1.0, x) for f, k, x in itertools.product(SPECIAL, repeat=3)]
    in_time = [(f, k, x, 1.0) for f, k, x in itertools.product(SPECIAL, repeat=3)]
    results = 0
    for f, k, t, v in in_vol + in_time:
        legal = all(map(math.isfinite, (f, k, t, v))) and min(t, v) >= 0
        legal = legal and (model == "bachelier" or min(f, k) >= 0)
        for is_call in (True, False):
            if not legal:
                with pytest.raises(MarginCoreError) as caught:
                    function([1.0, f], [1.0, k], [1.0, t], [1.0, v], is_call)
                assert caught.value.row == 1
                continue
            results += 1
            found = function(f, k, t, v, is_call)
            values = {name: getattr(found, name) for name in GREEKS}
            assert all(map(math.isfinite, values.values())), (f, k, t, v, values)
            exact = oracle(f, k, t, v, is_call)
            scale = max(abs(f), abs(k))
            if model == "bachelier":
                scale = min(max(scale, v * math.sqrt(t)), 1e308)
            price = values["price"]
            assert math.copysign(1.0, price) == 1.0
            assert error(price, exact["price"]) <= 8 * EPSILON * scale + 1e-323
            if exact["price"] >= max(1e-12 * scale, 1e-290):
                assert error(price, exact["price"]) <= 1e-13 * exact["price"]
            if model == "black76":
                assert price <= (f if is_call else k)
            assert error(values["delta"], exact["delta"]) <= 4 * EPSILON
            if min(t, v) == 0 or (model == "black76" and min(f, k) == 0):
                for name in GREEKS[2:]:
                    assert math.copysign(1.0, values[name]) == 1.0 or values[name] < 0.0
                    bound = 4 * EPSILON * abs(values[name]) + 1e-280  # sums are scaled down
                    assert error(values[name], exact[name]) <= bound, (f, k, t, v, name)
    assert results > 1500


LIMITS = [
    (110.0, 100.0), (90.0, 100.0), (100.0, 100.0), (0.25, 0.25), (3e4, 3e4),
    (0.0, 100.0), (100.0, 0.0), (0.0, 0.0), (-40.0, -37.0), (-37.0, -37.0),
]  # fmt: skip


@pytest.mark.parametrize("model", ["black76", "bachelier"])
@pytest.mark.parametrize("forward, strike", LIMITS)
def test_results_run_into_their_limits(model, forward, strike, isa):
    """Small volatilities agree with 60 digits, and these with the values at zero."""
    function = getattr(pricing, model)
    oracle = {"black76": black76, "bachelier": bachelier}[model]
    if model == "black76" and min(forward, strike) < 0.0:
        return
    vols = (1e-6, 1e-12, 1e-60, 1e-139, 1e-141, 1e-200, 1e-307, 1e-320, 5e-324, 0.0)
    for years, discount, is_call in itertools.product((0.25, 2.0), (0.5, 1.0, 1.05), (True, False)):
        found = function(forward, strike, years, vols, is_call, discount)
        at_zero = oracle(forward, strike, years, 0.0, is_call, discount)
        for i, vol in enumerate(vols):
            exact = oracle(forward, strike, years, vol, is_call, discount)
            for name in GREEKS:
                value = getattr(found, name)[i]
                loose = 1e-10 if vol > 1e-300 or name != "gamma" else 0.9  # of few digits itself
                size = abs(float(exact[name])) if math.isfinite(value) else math.nan
                bound = loose * size + 1e-14 * vol * max(abs(forward), 1.0)
                bound += 1e-130 if name == "volga" else 1e-280  # a square or scale underflows
                assert error(value, exact[name]) <= bound, (name, vol)
                if name != "gamma":
                    small = 8.0 * vol * max(abs(forward), 1.0)
                    wrong = abs(value - float(at_zero[name]))
                    assert wrong <= small + 8 * EPSILON * abs(float(at_zero[name])), (name, vol)


def test_gamma_at_the_money_grows_into_the_largest_double():
    vols = np.array([0.0, 5e-324, 1e-310, 1e-309, 1e-306, 1e-300, 1e-12, 1.0])
    for model, discount in itertools.product((pricing.black76, pricing.bachelier), (0.5, 1.0)):
        gamma = model(1.0, 1.0, 1.0, vols, True, discount, greeks=["gamma"]).gamma
        assert (gamma[:3] == np.finfo(float).max).all()
        assert (np.diff(gamma) <= 0.0).all() and gamma[4] < gamma[3]


@pytest.mark.parametrize("model", ["black76", "bachelier"])
def test_the_reference_has_the_same_limits(model):
    rows = itertools.product((0.0, 90.0, 100.0), (0.0, 100.0), (0.0, 0.5), (0.0, 0.3),
                             (True, False), (0.8, 1.0))  # fmt: skip
    for f, k, t, v, is_call, d in rows:
        if min(t, v) > 0.0 and (model == "bachelier" or min(f, k) > 0.0):
            continue
        found = getattr(pricing, model)(f, k, t, v, is_call, d)
        for name, expected in getattr(reference, f"{model}_limit")(f, k, t, v, is_call, d).items():
            want = min(expected, np.finfo(float).max)
            assert getattr(found, name) == pytest.approx(want, rel=1e-14, abs=0.0), (name, f, k, t)


@pytest.mark.parametrize("model", [pricing.black76, pricing.bachelier])
def test_no_corner_of_the_doubles_is_infinite_or_undefined(model, isa):
    prices = (0.0, 5e-324, 1e-308, 1.0, 100.0, 1e308)
    grid = np.array(list(itertools.product(
        prices, prices, (0.0, 5e-324, 1e-300, 1.0, 1e300, 1e308),
        (0.0, 5e-324, 1e-200, 1e-150, 1e-140, 1.0, 1e308), (0, 1), (5e-324, 0.5, 1.0, 2.0, 1e308),
    )))  # fmt: skip
    found = model(*grid.T)
    for name in GREEKS:
        bad = ~np.isfinite(getattr(found, name))
        assert not bad.any(), (name, grid[bad][:3])


def test_special_values_have_a_volatility_or_say_why_not():
    results = 0
    for price, f, k in itertools.product(SPECIAL, repeat=3):
        for years, is_call in itertools.product((0.0, 1e-16, 1.0, 1e308), (True, False)):
            try:
                vol = pricing.implied_vol([price], [f], [k], [years], is_call)[0]
            except MarginCoreError as caught:
                assert caught.row == 0
                if all(map(math.isfinite, (price, f, k))) and min(f, k) >= 0:
                    assert isinstance(caught, NoSolutionError)
                continue
            results += 1
            assert math.isfinite(vol) and vol >= 0.0
            again = pricing.black76(f, k, years, vol, is_call, greeks=["price"]).price
            assert abs(again - price) <= 1e-12 * price + 1e-14 * max(f, k)
    assert results > 200
