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
from margin_core._binding import _errors
from margin_core.errors import MarginCoreError, NoSolutionError

from margin_core import pricing

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
    return np.array([error(v, e) / max(abs(float(e)), 1e-300) for v, e in zip(values, exact)])


def absolute(values, exact):
    return np.array([error(v, e) for v, e in zip(values, exact)])


def column(rows, name):
    return [row[name] for row in rows]


def test_black76_is_within_its_bounds(n, isa):
    forward, strike, years, vol, _, discount = inputs = box(n, 1)
    found = pricing.black76(*inputs)
    exact = [black76(*row) for row in zip(*inputs)]
    top = np.maximum(forward, strike)
    out_of_the_money = np.array(
        [float(black76(f, k, t, v, f <= k)["price"]) for f, k, t, v in zip(*inputs[:4])]
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
    exact = [bachelier(*row) for row in zip(*inputs)]
    top = np.maximum(np.maximum(np.abs(forward), np.abs(strike)), s)
    out_of_the_money = np.array(
        [float(bachelier(f, k, t, v, f <= k)["price"]) for f, k, t, v in zip(*inputs[:4])]
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
    exact = [black76(*row) for row in zip(forward, strike, years, vol, is_call, discount)]
    price = np.array([float(row["price"]) for row in exact])
    vega = np.array([float(row["vega"]) for row in exact])
    top = np.maximum(forward, strike)
    value = np.array(
        [float(black76(f, k, t, v, f <= k)["price"])
         for f, k, t, v in zip(forward, strike, years, vol)]
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
    assert results > 1500


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
