# SPDX-License-Identifier: Apache-2.0
"""Volatility estimators against the papers' formulas in NumPy and pandas, on every copy."""

import numpy as np
import pytest

import margin_core as mc
from margin_core.dynamics.volatility import HOUR_NS, KINDS
from margin_core.errors import ArgumentError, DomainError, NotFiniteError, RowOrderError
from margin_core.reference import dynamics as reference

WINDOW = 24


def made_bars(n=300, n_series=5, seed=1):
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (n, n_series)), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.004, close.shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0.0, 0.003, close.shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0.0, 0.003, close.shape)))
    return HOUR_NS * np.arange(470_001, 470_001 + n), opened, high, low, close


def memory_of(kind):
    return {"half_life": 24.0} if kind == "ewma" else {"window": WINDOW}


def estimate(kind, end_ns, opened, high, low, close, **more):
    estimator = mc.VolatilityEstimator(kind, close.shape[1], **memory_of(kind), **more)
    return estimator.update(end_ns, close, open=opened, high=high, low=low)


@pytest.mark.parametrize("isa", mc.isas())
@pytest.mark.parametrize("kind", KINDS)
def test_every_copy_agrees_with_the_formulas(kind, isa):
    end_ns, *prices = made_bars()
    with mc.use_isa(isa):
        vol, ready = estimate(kind, end_ns, *prices)
    assert ready.sum() > 250 * vol.shape[1]
    for i in range(vol.shape[1]):
        expected = reference.volatility(
            kind, *(p[:, i] for p in prices), interval_ns=HOUR_NS, **memory_of(kind)
        )
        on = ready[:, i]
        np.testing.assert_allclose(vol[on, i], expected[on], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_threads_and_the_cutting_into_calls_do_not_show(kind):
    end_ns, *prices = made_bars(n=500, n_series=150)
    whole = estimate(kind, end_ns, *prices, threads=1)
    assert np.array_equal(whole.vol, estimate(kind, end_ns, *prices, threads=3).vol)
    live = mc.VolatilityEstimator(kind, 150, **memory_of(kind))
    opened, high, low, close = prices
    for t in range(len(end_ns)):
        at = slice(t, t + 1)
        now = live.update(end_ns[at], close[at], open=opened[at], high=high[at], low=low[at])
        assert np.array_equal(now.vol[0], whole.vol[t])
        assert np.array_equal(now.ready[0], whole.ready[t])
    assert live.end_ns == end_ns[-1]


def test_a_copy_goes_on_without_moving_the_first():
    end_ns, *_, close = made_bars()
    one = mc.VolatilityEstimator("realised", 5, window=24)
    one.update(end_ns[:100], close[:100])
    other = one.copy()
    later = other.update(end_ns[100:], close[100:])
    assert one.end_ns == end_ns[99]
    assert np.array_equal(one.update(end_ns[100:], close[100:]).vol, later.vol)


def test_bipower_is_hardly_moved_by_a_jump():
    rng = np.random.default_rng(3)
    r = rng.normal(0.0, 0.01, 2000)
    r[1000] = 0.25
    close = 100.0 * np.exp(np.cumsum(r))[:, None]
    end_ns = HOUR_NS * np.arange(1, 2001)
    realised = mc.VolatilityEstimator("realised", 1, window=1000).update(end_ns, close).vol[-1, 0]
    bipower = mc.VolatilityEstimator("bipower", 1, window=1000).update(end_ns, close).vol[-1, 0]
    diffusion = 0.01 * np.sqrt(8760)
    assert realised > 1.2 * diffusion
    assert abs(bipower / diffusion - 1.0) < 0.08


def test_the_estimators_find_the_volatility_of_a_fine_random_walk():
    """Ranges of 600 steps a bar are nearly those of Brownian motion, for which the formulas are."""
    rng = np.random.default_rng(5)
    steps = rng.normal(0.0, 0.6 / np.sqrt(8760 * 600), (1500, 600))
    path = np.cumsum(steps.ravel()).reshape(steps.shape)
    before = np.concatenate([[0.0], path[:-1, -1]])
    walk = np.concatenate([before[:, None], path], axis=1)
    end_ns = HOUR_NS * np.arange(1, 1501)
    prices = [np.exp(x)[:, None] for x in (before, walk.max(1), walk.min(1), path[:, -1])]
    opened, high, low, close = prices
    for kind in KINDS:
        much = {"half_life": 700.0} if kind == "ewma" else {"window": 1490}
        vol, ready = mc.VolatilityEstimator(kind, 1, **much).update(
            end_ns, close, open=opened, high=high, low=low
        )
        assert ready[-1, 0]
        # A range seen at 600 points is about 4 % too short: Rogers, Satchell 1991, section 4.
        assert abs(vol[-1, 0] / 0.6 - 1.0) < 0.07, kind


def test_real_bars_give_what_pandas_gives(shared):
    pd = pytest.importorskip("pandas")
    from margin_core.dynamics.bars import read_bars

    bars = read_bars([shared / "data" / "prices" / "binance_ETHUSDT_1h_2020_2025.parquet"])["ETH"]
    at = slice(0, 1500)  # before the first outage
    assert bars.present[at].all()
    columns = [getattr(bars, name)[at] for name in ("open", "high", "low", "close")]
    frame = pd.DataFrame(dict(zip("ohlc", columns, strict=True)))
    r = np.log(frame.c).diff()
    u, d, c = np.log(frame.h / frame.o), np.log(frame.l / frame.o), np.log(frame.c / frame.o)
    o = np.log(frame.o / frame.c.shift())
    rs = (u * (u - c) + d * (d - c)).rolling(WINDOW).mean()
    k = 0.34 / (1.34 + (WINDOW + 1) / (WINDOW - 1))
    gk = 0.5 * (u - d) ** 2 - (2 * np.log(2) - 1) * c**2
    expected = {
        "ewma": (r**2).ewm(halflife=24.0).mean(),
        "close": r.rolling(WINDOW).var(),
        "parkinson": ((u - d) ** 2).rolling(WINDOW).mean() / (4 * np.log(2)),
        "garman_klass": gk.rolling(WINDOW).mean(),
        "rogers_satchell": rs,
        "yang_zhang": o.rolling(WINDOW).var() + k * c.rolling(WINDOW).var() + (1 - k) * rs,
        "realised": (r**2).rolling(WINDOW).mean(),
        "bipower": np.pi / 2 * (r.abs() * r.abs().shift()).rolling(WINDOW).mean(),
    }
    for kind, variance in expected.items():
        vol, ready = estimate(kind, bars.end_ns[at], *(p[:, None] for p in columns))
        on = ready[:, 0] & variance.notna().to_numpy()
        assert on.sum() > 1400
        # pandas' rolling sums add and take away, so that they drift in the last digits
        np.testing.assert_allclose(vol[on, 0], np.sqrt(8760 * variance[on]), rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "error", "row", "word"),
    [
        (lambda e, p: p[3].__setitem__((7, 2), np.nan), NotFiniteError, 7, "series 2"),
        (lambda e, p: p[3].__setitem__((7, 2), 0.0), DomainError, 7, "close must be positive"),
        (lambda e, p: p[1].__setitem__((4, 0), 1.0), DomainError, 4, "is below low"),
        (lambda e, p: e.__setitem__(9, e[8]), RowOrderError, 9, "before or with"),
        (lambda e, p: e.__setitem__(slice(9, None), e[9:] + HOUR_NS), RowOrderError, 9, "gap of 1"),
        (lambda e, p: e.__setitem__(3, e[3] + 1), RowOrderError, 3, "multiple"),
    ],
)
def test_a_bad_bar_is_named(change, error, row, word):
    end_ns, *prices = made_bars()
    change(end_ns, prices)
    with pytest.raises(error, match=word) as caught:
        estimate("parkinson", end_ns, *prices)
    assert caught.value.row == row


def test_options_and_shapes_are_checked():
    with pytest.raises(ArgumentError, match="kind is one of"):
        mc.VolatilityEstimator("hodges", 1, window=3)
    with pytest.raises(ArgumentError, match="no window"):
        mc.VolatilityEstimator("ewma", 1, window=3)
    with pytest.raises(ArgumentError, match="has a window"):
        mc.VolatilityEstimator("close", 1, half_life=3.0)
    with pytest.raises(ArgumentError, match="window is 2"):
        mc.VolatilityEstimator("close", 1, window=1)
    one = mc.VolatilityEstimator("close", 2, window=5)
    with pytest.raises(ArgumentError, match=r"\(n_bars, 2\)"):
        one.update([HOUR_NS], [[1.0, 2.0, 3.0]])
    with pytest.raises(ArgumentError, match="bools"):
        one.update([HOUR_NS], [[1.0, 2.0]], present=[[1, 0]])
    with pytest.raises(ArgumentError, match="a column that this estimator needs"):
        mc.VolatilityEstimator("parkinson", 1, window=5).update([HOUR_NS], [[1.0]])


def test_prices_of_absent_bars_are_not_read():
    end_ns, *_, close = made_bars(n=60)
    present = np.ones(close.shape, dtype=bool)
    present[20:25, 1] = False
    rubbish = close.copy()
    rubbish[20:25, 1] = np.nan
    kept = mc.VolatilityEstimator("realised", 5, window=24).update(end_ns, close, present=present)
    again = mc.VolatilityEstimator("realised", 5, window=24, least=12)
    found = again.update(end_ns, rubbish, present=present)
    both = kept.ready & found.ready
    assert np.array_equal(kept.vol[both], found.vol[both]) and both.sum() > 100
    assert not kept.ready[30, 1] and found.ready[30, 1]


def test_text_is_no_price_and_a_part_of_a_nanosecond_no_time():
    one = mc.VolatilityEstimator("parkinson", 1, window=2)
    row = [[100.0]]
    for name in ("close", "high", "low"):
        prices = {"close": row, "high": row, "low": row} | {name: [["100"]]}
        close = prices.pop("close")
        with pytest.raises(ArgumentError, match=f"{name}: prices are needed, not '100'"):
            one.update([HOUR_NS], close, **prices)
    with pytest.raises(ArgumentError, match="close: prices"):
        one.update([HOUR_NS], np.array([["100"]], dtype=object), high=row, low=row)
    for bad in (np.nan, HOUR_NS + 0.5, 2.0**63):
        with pytest.raises(DomainError, match="end_ns is") as caught:
            one.update([float(HOUR_NS), bad], row * 2, high=row * 2, low=row * 2)
        assert caught.value.row == 1
    with pytest.raises(ArgumentError, match="whole nanoseconds are needed, not <U"):
        one.update(["1"], row, high=row, low=row)
    assert one.end_ns == 0
    hour = np.array(["1970-01-01T01"], dtype="datetime64[h]")
    one.update(hour, row, open=row, high=row, low=row)
    assert one.end_ns == HOUR_NS
