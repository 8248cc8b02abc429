# SPDX-License-Identifier: Apache-2.0
"""Ranges that follow volatility: against the reference, as TOML, and into the house model."""

import tomllib
from importlib.resources import files

import numpy as np
import pytest

import margin_core as mc
from margin_core._binding import _dynamics
from margin_core.dynamics.threshold import STATE, ThresholdModel
from margin_core.errors import ArgumentError, DomainError, ModelError, RowOrderError
from margin_core.reference import dynamics as reference

HOUR_NS = 3_600_000_000_000


HOUSE = files("margin_core") / "models" / "thresholds" / "house.toml"


def house_data():
    return tomllib.loads(HOUSE.read_text(encoding="utf-8"))


def quick_model(**changes):
    """The house model with memories of days, so that a few weeks show everything."""
    data = house_data()
    data["bounds"] |= {"warmup_days": 2.0, "least_frac": 1e-4, "gap_days": 3.0}
    data["floor"]["half_life_days"] = 20.0
    data["stress"]["half_life_days"] = 10.0
    data["current"] |= {"fast_half_life_days": 0.5, "slow_half_life_days": 2.0}
    for path, value in changes.items():
        table, field = path.split("__")
        data[table][field] = value
    return ThresholdModel.model_validate(data)


def made_prices(n=700, n_units=4, seed=2):
    """Calm and lively weeks, jumps, and steps of one to five hours."""
    rng = np.random.default_rng(seed)
    time_ns = HOUR_NS * (470_000 + np.cumsum(rng.integers(1, 6, n)))
    lively = np.where((np.arange(n) // 100) % 2, 0.03, 0.005)[:, None]
    moves = rng.standard_t(4, (n, n_units)) * lively
    return time_ns, 100.0 * np.exp(np.cumsum(np.clip(moves, -0.6, 0.6), axis=0))


def test_the_state_is_the_structs():
    assert STATE.itemsize == _dynamics.THRESHOLD_STATE_BYTES


@pytest.mark.parametrize("isa", mc.isas())
def test_every_copy_agrees_with_the_reference(isa):
    time_ns, price = made_prices()
    model = quick_model(learning__rate=0.2)
    with mc.use_isa(isa):
        found = mc.Thresholds("abcd", model, level=0.99).update(time_ns, price)
    for i in range(4):
        expected = reference.ranges(model.parameters(0.99), time_ns, price[:, i])
        np.testing.assert_allclose(found[:, i], expected, rtol=1e-10)
    assert (found[-1] > 0.0).all() and (found[0] == 0.0).all()


def test_live_and_history_give_the_same_bits():
    time_ns, price = made_prices()
    whole = mc.Thresholds("abcd", quick_model(), level=0.99).follow(time_ns, price)
    live = mc.Thresholds("abcd", quick_model(), level=0.99)
    steps = [live.follow(time_ns[t : t + 1], price[t : t + 1]) for t in range(len(time_ns))]
    for k, ranges in enumerate(whole):
        assert np.array_equal(np.array([step[k][0] for step in steps]), ranges)
    assert live.ranges == dict(zip("abcd", whole.initial[-1].tolist(), strict=True))
    assert live.maintenance == dict(zip("abcd", whole.maintenance[-1].tolist(), strict=True))
    assert np.array_equal(mc.Thresholds("abcd", quick_model(), level=0.99).update(time_ns, price),
                          whole.initial)  # fmt: skip


def test_what_holds_open_positions_falls_at_once_and_rises_a_tenth_a_day():
    """On paper: the least, over the steps so far, of the range then grown at the rate since."""
    time_ns, price = made_prices()
    initial, held = mc.Thresholds("abcd", quick_model(), level=0.99).follow(time_ns, price)
    known = initial[:, 0] > 0.0
    assert ((held == 0.0) == (initial == 0.0)).all()
    days = np.diff(time_ns[known], prepend=time_ns[known][0]) / (24 * HOUR_NS)
    grown = np.cumprod(1.0 + 0.10 * days)[:, None]
    paper = grown * np.minimum.accumulate(initial[known] / grown)
    np.testing.assert_allclose(held[known], paper, rtol=1e-12)
    risen = held[known][1:] / held[known][:-1]
    assert (risen <= np.exp(0.10 * days[1:, None]) * (1 + 1e-12)).all()
    assert (held < 0.7 * initial)[known].any() and (held == initial)[known].any()


def test_initial_margin_is_never_below_maintenance_margin():
    from margin_core.synthetic import synthetic_book, synthetic_market

    time_ns, price = made_prices(n_units=2)
    thresholds = mc.Thresholds(["BTC", "ETH"], quick_model(), level=0.99)
    market = synthetic_market(0)
    book = synthetic_book(market, 300, 0, margin=mc.Margin.of(market, "house"))
    apart = 0
    for rows in np.array_split(np.arange(len(time_ns)), 12):
        thresholds.update(time_ns[rows], price[rows])
        new, held = (
            mc.sweep(book, mc.Margin.of(market, mc.with_ranges("house", ranges).model))
            for ranges in (thresholds.ranges, thresholds.maintenance)
        )
        assert (new.amount("im") >= held.amount("mm")).all()
        apart += new.amount("mm").sum() > 1.05 * held.amount("mm").sum()
    assert apart, "ranges that never differ show nothing"


def test_a_copy_goes_on_without_moving_the_first():
    time_ns, price = made_prices()
    one = mc.Thresholds("abcd", quick_model(), level=0.99)
    one.update(time_ns[:300], price[:300])
    before = one.ranges, one.maintenance
    one.copy().update(time_ns[300:], price[300:])
    assert (one.ranges, one.maintenance) == before


def test_a_unit_without_a_price_keeps_its_range():
    time_ns, price = made_prices(n_units=2)
    present = np.ones(price.shape, dtype=bool)
    present[400:410, 1] = False
    price[400:410, 1] = np.nan
    found = mc.Thresholds("ab", quick_model(), level=0.99).update(time_ns, price, present=present)
    assert (found[400:410, 1] == found[399, 1]).all()
    assert len(set(found[400:410, 0])) > 1


def test_bad_prices_and_times_are_named():
    time_ns, price = made_prices(n_units=2)
    one = mc.Thresholds("ab", quick_model(), level=0.99)
    price[5, 1] = -1.0
    with pytest.raises(DomainError, match="step 5, unit 1") as caught:
        one.update(time_ns, price)
    assert caught.value.row == 5 and one.ranges == one.maintenance == {}
    with pytest.raises(RowOrderError, match="does not rise"):
        one.update(time_ns[::-1], np.abs(price))
    far = time_ns.copy()
    far[300:] += 5 * 24 * HOUR_NS
    with pytest.raises(RowOrderError, match="had no price for") as caught:
        one.update(far, np.abs(price))
    assert caught.value.row == 300
    late = time_ns.astype(np.float64)
    late[7] = np.nan
    with pytest.raises(DomainError, match="time_ns is nan") as caught:
        one.update(late, np.abs(price))
    assert caught.value.row == 7
    with pytest.raises(ArgumentError, match="price_usd: prices are needed, not '"):
        one.update(time_ns, np.abs(price).astype(str))
    with pytest.raises(ArgumentError, match="n_steps, 2"):
        one.update(time_ns, price[:, :1])
    with pytest.raises(ArgumentError, match="no tail for 0.9: 0.99, 0.995"):
        mc.Thresholds("ab", level=0.9)
    with pytest.raises(ArgumentError, match="none of them twice"):
        mc.Thresholds(["a", "a"])


def test_learning_brings_the_share_of_exceedances_to_its_level():
    """Gibbs, Candes 2021, prop. 4.1: off by at most ln(most / least) / (rate n), whatever moves."""
    rng = np.random.default_rng(4)
    n, rate, most = 6000, 0.1, 8.0
    size = 0.02 * np.exp(np.sin(np.arange(n) / 300.0)) * rng.standard_t(2.5, n)
    price = 100.0 * np.exp(np.cumsum(np.clip(size, -0.6, 0.6)))
    time_ns = 24 * HOUR_NS * np.arange(10_000, 10_000 + n)
    for used in (0.0, rate):
        model = quick_model(
            learning__rate=used, learning__most=most, aftershock__share=0.0,
            horizon__tails=[{"level": 0.99, "multiple": 0.9}],
        )  # fmt: skip
        ranges = mc.Thresholds("a", model, level=0.99)
        range_frac = ranges.update(time_ns, price[:, None])[:, 0]
        move = np.abs(price[1:] / price[:-1] - 1.0)
        share = (move > range_frac[:-1])[range_frac[:-1] > 0.0].mean()
        if used:
            assert abs(share - 0.01) < np.log(most) / (used * n)
        else:
            assert share > 0.04


@pytest.mark.parametrize(
    ("table", "field", "value", "word"),
    [
        ("current", "fast_weight", 1.5, "current.fast_weight"),
        ("stress", "source", "nowhere", "no 'nowhere' in"),
        ("floor", "half_life_days", 0.1, "half-lives must not fall"),
        ("bounds", "most_frac", 0.001, "most_frac is below"),
        ("limits", "fall_step_frac", float("nan"), "limits.fall_step_frac"),
        ("horizon", "tails", [{"level": 0.99, "multiple": 2.0}] * 2, "levels must rise"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused_with_the_field(table, field, value, word):
    data = house_data()
    data[table][field] = value
    with pytest.raises(ValueError, match=word):
        ThresholdModel.model_validate(data)


def test_an_unknown_field_is_refused_with_its_path(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(HOUSE.read_text(encoding="utf-8").replace("[floor]", "[floor]\nrate = 1.0"))
    with pytest.raises(ModelError, match=r"own\.toml: floor\.rate: unknown field"):
        mc.load_thresholds(path)


def test_files_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.toml"):
        mc.load_thresholds(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(ModelError, match="not TOML"):
        mc.load_thresholds(tmp_path / "bad.toml")


def test_ranges_go_into_the_house_model_with_what_covers_them():
    ranged = mc.with_ranges("house", {"BTC": 0.08, "PEPE": 0.5, "USDC": 0.1})
    house = mc.load_model("house")
    btc, pepe, other = (ranged.model.unit(u) for u in ("BTC", "PEPE", "DOGE"))
    assert (btc.range_frac, btc.asset_haircut_frac, btc.isolated_im_frac) == (0.08, 0.08, 0.1)
    assert [tier.im_frac for tier in btc.cross_tiers] == [0.08, 0.1, 0.12]
    assert pepe.range_frac == 0.5 and pepe.group == other.group and other.range_frac == 0.35
    assert ranged.model.unit("USDC").range_frac == 0.1
    assert ranged.model.unit("USDT") == house.unit("USDT").model_copy(
        update={"names": tuple(n for n in house.unit("USDT").names if n != "USDC")}
    )
    changed = ranged.changes
    assert set(changed["unit"]) == {"BTC", "PEPE", "USDC"}
    first = changed[changed["field"] == "range_frac"]
    assert first["before"].tolist() == [0.16, 0.35, 0.05]
    assert first["after"].tolist() == [0.08, 0.5, 0.1]


def test_rates_stop_at_all_of_the_notional():
    ranged = mc.with_ranges("house", {"SOL": 0.9})
    assert ranged.model.unit("SOL").isolated_im_frac == 1.0
    assert ranged.model.unit("SOL").cross_tiers[-1].im_frac == 1.0


def test_no_ranges_change_nothing():
    ranged = mc.with_ranges("house", {})
    assert ranged.model == mc.load_model("house") and len(ranged.changes) == 0


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_a_range_that_is_none_is_refused(value):
    with pytest.raises(ArgumentError, match="BTC: a range of"):
        mc.with_ranges("house", {"BTC": value})


def test_what_does_not_move_gets_no_range():
    with pytest.raises(ArgumentError, match="EUR: a range of"):
        mc.with_ranges("house", {"EUR": 0.1})


def test_a_higher_range_asks_more_of_an_account():
    from margin_core.synthetic import synthetic_book, synthetic_market

    market = synthetic_market(0)
    plain = mc.Margin.of(market, "house")
    book = synthetic_book(market, 300, 0, margin=plain)
    wide = mc.Margin.of(market, mc.with_ranges("house", {"BTC": 0.32, "ETH": 0.36}).model)
    before, after = mc.sweep(book, plain), mc.sweep(book, wide)
    assert after.amount("im").sum() > 1.1 * before.amount("im").sum()
