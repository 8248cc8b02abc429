# SPDX-License-Identifier: Apache-2.0
"""The pricing facade: shapes, subsets, errors, and what no option price may break."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_core import pricing
from margin_core.errors import (
    ArgumentError,
    DomainError,
    MarginCoreError,
    NoSolutionError,
    NotFiniteError,
)
from margin_core.pricing import Greeks, bachelier, black76, implied_vol
from margin_core.reference import pricing as reference

GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga")
EPSILON = 2.0**-52

rng = np.random.default_rng(7)
N = 1000
FORWARD = rng.uniform(50.0, 150.0, N)
STRIKE = rng.uniform(50.0, 150.0, N)
YEARS = rng.uniform(0.01, 3.0, N)
VOL = rng.uniform(0.1, 1.5, N)
IS_CALL = rng.random(N) < 0.5
DISCOUNT = rng.uniform(0.8, 1.05, N)


@pytest.mark.parametrize("model", ["black76", "bachelier"])
def test_results_agree_with_the_textbook(model):
    vol = VOL if model == "black76" else 100.0 * VOL
    inputs = FORWARD, STRIKE, YEARS, vol, IS_CALL, DISCOUNT
    found = getattr(pricing, model)(*inputs)
    for name, expected in getattr(reference, model)(*inputs).items():
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-11, atol=1e-13 * scale)


def test_volatility_agrees_with_bisection():
    price = black76(FORWARD, STRIKE, YEARS, VOL, IS_CALL, DISCOUNT, greeks=["price"]).price
    found = implied_vol(price, FORWARD, STRIKE, YEARS, IS_CALL, DISCOUNT)
    for i in range(0, N, 100):
        row = price[i], FORWARD[i], STRIKE[i], YEARS[i], IS_CALL[i], DISCOUNT[i]
        assert found[i] == pytest.approx(reference.implied_vol(*row), rel=1e-6)


def test_scalars_in_floats_out():
    found = black76(100, 100, 1, 0.2, True)
    assert all(type(getattr(found, name)) is float for name in GREEKS)
    assert type(implied_vol(found.price, 100, 100, 1, True)) is float
    assert repr(black76(0.0, 1.0, 1.0, 1.0, True, greeks="price")) == "Greeks(price=0.0)"


@pytest.mark.parametrize("model", [black76, bachelier])
def test_only_what_is_asked_for_is_held(model):
    whole = model(FORWARD, STRIKE, YEARS, VOL, IS_CALL)
    for name in GREEKS:
        part = model(FORWARD, STRIKE, YEARS, VOL, IS_CALL, greeks=[name])
        assert [n for n in GREEKS if getattr(part, n) is not None] == [name]
        assert getattr(part, name).tobytes() == getattr(whole, name).tobytes()
    nothing = model(FORWARD, STRIKE, YEARS, VOL, IS_CALL, greeks=())
    assert isinstance(nothing, Greeks) and nothing.price is None


def test_inputs_broadcast():
    grid = black76(FORWARD[:, None], STRIKE[None, :7], 0.5, VOL[:7], IS_CALL[:, None])
    assert grid.delta.shape == (N, 7)
    one = black76(FORWARD[11], STRIKE[3], 0.5, VOL[3], IS_CALL[11])
    assert one.delta == grid.delta[11, 3]
    assert black76([[100.0]], 90.0, 1.0, 0.2, True).price.shape == (1, 1)


def test_empty_in_empty_out():
    assert black76([], [], 1.0, 0.2, True).price.shape == (0,)
    assert implied_vol(np.empty((0, 3)), 1.0, 1.0, 1.0, True).shape == (0, 3)


def test_layout_and_type_of_the_inputs_do_not_matter():
    expected = black76(FORWARD, STRIKE, YEARS, VOL, IS_CALL).price
    strided = np.repeat(FORWARD, 3)[::3]
    swapped = STRIKE.astype(">f8")
    for sides in (IS_CALL, IS_CALL.astype(np.uint8), IS_CALL.astype(np.int64),
                  IS_CALL.astype(float), IS_CALL.tolist()):  # fmt: skip
        found = black76(strided, swapped, YEARS.tolist(), VOL, sides).price
        assert found.tobytes() == expected.tobytes()
    frozen = FORWARD.copy()
    frozen.flags.writeable = False
    assert black76(frozen, STRIKE, YEARS, VOL, IS_CALL).price.tobytes() == expected.tobytes()


def test_the_number_of_threads_does_not_matter():
    n = 60_001
    forward = np.resize(FORWARD, n)
    one = black76(forward, STRIKE[0], YEARS[0], VOL[0], True, threads=1)
    for threads in (2, 3, None):
        many = black76(forward, STRIKE[0], YEARS[0], VOL[0], True, threads=threads)
        assert all(getattr(one, g).tobytes() == getattr(many, g).tobytes() for g in GREEKS)


@pytest.mark.parametrize(
    "name, value, error",
    [
        ("forward", -1.0, DomainError),
        ("strike", -1e-300, DomainError),
        ("years", -1.0, DomainError),
        ("vol", -0.2, DomainError),
        ("discount", 0.0, DomainError),
        ("is_call", 2, DomainError),
        ("forward", math.nan, NotFiniteError),
        ("strike", math.inf, NotFiniteError),
        ("vol", -math.inf, NotFiniteError),
    ],
)
def test_the_row_of_an_error_counts_in_the_broadcast_shape(name, value, error):
    inputs = {"forward": np.full((3, 1), 100.0), "strike": np.full((1, 4), 100.0), "years": 1.0,
              "vol": 0.2, "is_call": np.ones((3, 4)), "discount": 1.0}  # fmt: skip
    bad = np.broadcast_to(inputs[name], (3, 4)).astype(float)
    bad[1, 2] = bad[2, 0] = value
    inputs[name] = bad
    with pytest.raises(error, match=name) as caught:
        black76(**inputs)
    assert caught.value.row == 6


def test_arguments_are_checked():
    good = (100.0, 100.0, 1.0, 0.2, True)
    with pytest.raises(ArgumentError, match="gama"):
        black76(*good, greeks=["gama"])
    with pytest.raises(ArgumentError, match="threads"):
        black76(*good, threads=0)
    with pytest.raises(ArgumentError, match="broadcast"):
        black76([1.0, 2.0], [1.0, 2.0, 3.0], 1.0, 0.2, True)
    for bad in ("100", None, 1j, [None, 1.0]):
        with pytest.raises(ArgumentError, match="strike"):
            black76(100.0, bad, 1.0, 0.2, True)
    with pytest.raises(ArgumentError, match="is_call"):
        black76(100.0, 100.0, 1.0, 0.2, "call")
    with pytest.raises(MarginCoreError):
        black76(100.0, 100.0, 1.0, 0.2, 257)


def test_prices_without_a_volatility_are_refused():
    good = black76(100.0, 90.0, 1.0, 0.2, True).price
    for price in (9.999, 100.0, 1e9, -1.0):
        with pytest.raises(NoSolutionError) as caught:
            implied_vol([good, price], 100.0, 90.0, 1.0, True)
        assert caught.value.row == 1
    assert implied_vol(10.0, 100.0, 90.0, 1.0, True) == 0.0
    assert implied_vol(10.0, 100.0, 90.0, 0.0, True) == 0.0
    with pytest.raises(NoSolutionError):
        implied_vol(10.1, 100.0, 90.0, 0.0, True)


positive = st.floats(1e-6, 1e7)
volatility = st.floats(0.0, 5.0)
time = st.floats(0.0, 10.0)
factor = st.floats(0.3, 1.2)


@given(forward=positive, strike=positive, years=time, vol=volatility, discount=factor)
def test_parity_and_bounds_hold(forward, strike, years, vol, discount):
    call, put = black76(forward, strike, years, vol, [True, False], discount).price
    top = max(forward, strike)
    parity = call - put - discount * (forward - strike)
    assert abs(parity) <= 4 * EPSILON * discount * top
    assert discount * max(forward - strike, 0.0) <= call <= discount * forward
    assert discount * max(strike - forward, 0.0) <= put <= discount * strike


@given(forward=positive, moneyness=st.floats(-3, 3), years=time, vol=volatility, side=st.booleans())
def test_prices_rise_with_volatility_and_are_convex_in_the_strike(
    forward, moneyness, years, vol, side
):
    strike = forward * math.exp(moneyness)
    low, high = black76(forward, strike, years, [vol, vol * 1.01 + 1e-6], side).price
    assert high >= low - 4 * EPSILON * max(forward, strike)
    left, middle, right = black76(forward, strike * np.array([0.99, 1.0, 1.01]), years, vol,
                                  side).price  # fmt: skip
    assert left - 2 * middle + right >= -16 * EPSILON * max(forward, 1.01 * strike)


@given(forward=positive, strike=positive, years=time, vol=volatility, discount=factor,
       side=st.booleans())  # fmt: skip
def test_greeks_stay_in_range(forward, strike, years, vol, discount, side):
    found = black76(forward, strike, years, vol, side, discount)
    assert (0.0 <= found.delta <= discount) if side else (-discount <= found.delta <= 0.0)
    assert found.gamma >= 0.0 and found.vega >= 0.0
    assert all(math.isfinite(getattr(found, name)) for name in GREEKS)
    if years == 0.0:
        assert found.theta == 0.0 and found.rho == 0.0


@given(forward=st.floats(-1e6, 1e6), strike=st.floats(-1e6, 1e6), years=time,
       vol=st.floats(0.0, 1e6))  # fmt: skip
def test_bachelier_keeps_parity_and_is_never_below_intrinsic(forward, strike, years, vol):
    call, put = bachelier(forward, strike, years, vol, [True, False]).price
    scale = max(abs(forward), abs(strike), vol * math.sqrt(years))
    assert abs(call - put - (forward - strike)) <= 4 * EPSILON * scale
    assert call >= max(forward - strike, 0.0) and put >= max(strike - forward, 0.0)


def test_greeks_are_the_slopes_of_the_price():
    """Central differences; rho moves the forward with the rate."""
    f, k, t, v, d = 100.0, 105.0, 0.7, 0.6, 0.95
    rate = -math.log(d) / t
    for side in (True, False):
        found = black76(f, k, t, v, side, d)

        def price(forward=f, years=t, vol=v, discount=d, side=side):
            return black76(forward, k, years, vol, side, discount, greeks=["price"]).price

        h = 1e-4
        assert found.delta == pytest.approx((price(f + h) - price(f - h)) / (2 * h), abs=1e-8)
        assert found.vega == pytest.approx(
            (price(vol=v + h) - price(vol=v - h)) / (2 * h), abs=1e-5
        )
        day = 1 / 365
        later = [price(years=t - e, discount=math.exp(-rate * (t - e))) for e in (-h, h)]
        assert found.theta == pytest.approx((later[1] - later[0]) / (2 * h) * day, abs=1e-6)
        moved = [
            price(forward=f * math.exp(e * t), discount=math.exp(-(rate + e) * t)) for e in (-h, h)
        ]
        assert found.rho == pytest.approx((moved[1] - moved[0]) / (2 * h), abs=1e-5)
