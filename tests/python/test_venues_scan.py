# SPDX-License-Identifier: Apache-2.0
"""The scan engine where no venue's answer reaches: each form against numbers done on paper."""

import math

import numpy as np
import pytest

from margin_core import black76, load_preset
from margin_core.errors import ArgumentError, DomainError, ModelError
from margin_core.instruments import Kind
from margin_core.venues.answers.scan_account import Account
from margin_core.venues.scan.cells import Cells
from margin_core.venues.scan.engine import margin
from margin_core.venues.scan.tables import compile_tables

UNITS = {"A": (100.0, 1.0), "B": (50.0, 1.0)}


def solved(preset, overrides, rows, units=UNITS, **account):
    """Rows (name, kind, quantity, forward, columns); returns (standing, tables)."""
    held = Account(units=dict(units), **account)
    for name, kind, quantity, forward, columns in rows:
        held.hold(name, kind, quantity, forward, **columns)
    instruments, market, book, cells = held.build()
    tables = compile_tables(load_preset(preset, overrides), instruments, market, cells)
    return margin(book, tables, rows=True), tables


def future(name, unit, quantity, years):
    return name, Kind.FUTURE, quantity, UNITS[unit][0], {"unit": unit, "years": years}


def option(kind, quantity, strike, *, vol=0.5, years=0.1, forward=100.0, **more):
    columns = {"unit": "A", "years": years, "strike": strike, "vol": vol, **more}
    return f"{kind.name}-{strike}-{years}", kind, quantity, forward, columns


def price(forward, strike, years, vol, call=True):
    return float(black76(forward, strike, years, vol, call, greeks=("price",)).price)


def test_calendar_spreads_are_made_in_order_and_use_each_delta_once():
    """300 against 100 near, 100 against 400 far: 100 x 0, 100 x 3, then 200 of what is left x 5."""
    spreads = {"spreads": [[0, 0, 0.0], [1, 1, 3.0], [0, 1, 5.0]], "edges_days": [60.0]}
    standing, _ = solved("span", {"charges": {"calendar": spreads}}, [
        future("near", "A", 3.0, 0.1), future("near 2", "A", -1.0, 0.15),
        future("far", "A", -4.0, 0.5), future("far 2", "A", 1.0, 0.6),
    ])  # fmt: skip
    assert standing.charges["calendar"][0].tolist() == pytest.approx([1300.0])
    assert standing.core[0].tolist() == pytest.approx([10.0, 0.0])  # one short, 10 % of 100


def test_a_credit_forgives_part_of_the_price_risk_of_offsetting_deltas():
    """3 A against 4 B at 1 : 2 makes 2 spreads: 0.6 of 20 and of 20 are forgiven of 50."""
    legs = [{"unit": "A", "ratio": 1.0, "side": 1}, {"unit": "B", "ratio": 2.0, "side": -1}]
    credit = {"legs": legs, "credit_frac": 0.6, "source": "example"}
    rows = [future("a", "A", 3.0, 0.1), future("b", "B", -4.0, 0.1)]
    standing, _ = solved("span", {"combination": {"credits": [credit]}}, rows)
    assert standing.credit[0].tolist() == pytest.approx([12.0, 12.0])
    assert standing.im.tolist() == pytest.approx([26.0])


def test_a_short_option_far_away_is_charged_the_minimum():
    minimum = {"charges": {"short_option_minimum": {"rate": 7.0}}}
    standing, _ = solved("span", minimum, [option(Kind.PUT, -2.0, 1.0)])
    assert standing.im.tolist() == pytest.approx([14.0])


def test_the_requirement_less_options_is_what_span_reports():
    standing, _ = solved("span", {}, [option(Kind.CALL, 1.0, 100.0)])
    assert standing.reported_im[0] == pytest.approx(standing.im[0] - price(100, 100, 0.1, 0.5))


def test_a_look_ahead_takes_a_day_of_time_value():
    flat = {"units": {"*": {"vol_up_frac": 0.0, "vol_down_frac": 0.0}}}
    _, tables = solved("span", flat, [option(Kind.CALL, 1.0, 100.0)])
    theta = tables.cells.value[0, 0] - tables.cells.base[0]
    later = price(100, 100, 0.1 - 1 / 365, 0.5)
    assert theta == pytest.approx(later - price(100, 100, 0.1, 0.5), rel=1e-12)


def test_the_extreme_move_is_covered_in_part():
    standing, _ = solved("span", {}, [future("a", "A", 1.0, 0.1)])
    assert standing.row[0, 0, -2:].tolist() == pytest.approx([9.9, -9.9])  # 33 % of three ranges


@pytest.mark.parametrize(
    "combination, needed",
    [
        ({"kind": "sum"}, 20.0),
        ({"kind": "joint", "lambda_frac": 0.5}, 10.0),  # half of 20 and half of 0
        ({"kind": "joint", "lambda_frac": 1.0}, 0.0),
        ({"kind": "correlation", "correlation": [["A", "B", 0.0]]}, math.sqrt(200.0)),
        ({"kind": "correlation", "correlation": [["B", "A", 0.5]]}, math.sqrt(300.0)),
        ({"kind": "correlation"}, 20.0),  # an unlisted pair does not diversify
    ],
)
def test_units_combine(combination, needed):
    rows = [future("a", "A", 1.0, 0.1), future("b", "B", -2.0, 0.1)]
    standing, _ = solved("span", {"combination": combination}, rows)
    assert standing.im.tolist() == pytest.approx([needed], abs=1e-12)


INVERSE = [
    ("P", Kind.PERPETUAL, 60e6, 50e3, {"inverse": True}),
    ("C", Kind.CALL, -10.0, 50e3, {"inverse": True, "years": 0.25, "strike": 50e3, "vol": 0.6}),
]
COIN = {"BTC": (50e3, 1.0)}


def test_an_inverse_option_is_shocked_in_coin():
    _, tables = solved("deribit_pm", {}, INVERSE, COIN)
    z = tables.scenarios.names.index("+0.16 up")
    vol = 0.6 * (1.0 + 0.5 * (30.0 / 91.25) ** 0.13)
    ours = tables.cells.value[tables.instruments.names.index("C"), z]
    assert ours == pytest.approx(price(58e3, 50e3, 0.25, vol) / 58e3, rel=1e-13)


def test_roll_and_delta_shock_of_a_coin_book():
    shock = {"charges": {"delta_shock BTC": {"transform": {"threshold_usd": 1e6}}}}
    standing, _ = solved("deribit_pm", shock, INVERSE, COIN)
    found = black76(50e3, 50e3, 0.25, 0.6, True, greeks=("price", "delta"))
    option_delta = float(found.delta - found.price / 50e3)
    delta = 1200.0 - 10.0 * option_delta
    usd = delta * 50e3
    ramp = min((usd - 1e6) * delta * 5e-5, 0.1 * usd) / 50e3
    assert standing.charges["delta_shock"][0, 0] == pytest.approx(ramp, rel=1e-12)
    roll = 1200.0 * 0.01 + 10.0 * option_delta * max(0.01, math.expm1(0.075 * 0.25))
    assert standing.charges["roll"][0, 0] == pytest.approx(roll, rel=1e-12)


def test_gains_are_offset_and_capped_and_losses_dampened():
    """Long one coin of an inverse perpetual, gains at .6 up to .05; 2e4 USD a range beyond."""
    own = {"units": [{"names": ["BTC"], "range_frac": 0.16, "gain_offset": 0.6, "gain_cap": 0.05,
                      "dampener_usd": 2e4, "source": "api"}]}  # fmt: skip
    standing, tables = solved("deribit_pm", own, [INVERSE[0][:2] + (50e3, 50e3, INVERSE[0][4])],
                              COIN)  # fmt: skip
    row = dict(zip(tables.scenarios.names, standing.row[0, 0], strict=True))
    assert row["+0.04 same"] == pytest.approx(0.6 * 0.04 / 1.04)
    assert row["+0.16 same"] == pytest.approx(0.05)
    assert row["-0.16 same"] == pytest.approx(-0.16 / 0.84)
    dampened = -0.16 / 0.84 + (0.33 / 0.16 - 1.0) * 2e4 / (50e3 * 0.84)
    assert row["-0.33 up"] == pytest.approx(min(0.0, dampened))


def test_tiers_multiply_their_own_slice():
    """450,000 of closing cost: 10, 60, 100, 130 and 150 thousand at 1, 2, 4, 6 and 8."""
    standing, _ = solved(
        "okx_pm", {}, [("P", Kind.PERPETUAL, 1e6, 100.0, {})], {"BTC": (100.0, 1.0)}
    )
    by_hand = 10e3 + 2 * 60e3 + 4 * 100e3 + 6 * 130e3 + 8 * 150e3
    assert standing.charges["MR7"][0, 0] == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("unit, move", [("BTC", 0.12), ("LTC", 0.18), ("DOGE", 0.25)])
def test_each_unit_has_its_own_range(unit, move):
    standing, _ = solved("okx_pm", {}, [("P", Kind.PERPETUAL, 1.0, 10.0, {})], {unit: (10.0, 1.0)})
    assert standing.core[0, 0] == pytest.approx(10.0 * move)


def test_a_settled_share_of_the_forward_does_not_move():
    """Fifteen minutes before expiry half the average is fixed: 75 stands, 25 moves by 18 %."""
    call = option(Kind.CALL, 1.0, 90.0, years=900 / 31_536_000, forward=25.0, fixed=75.0)
    _, tables = solved("derive_pm2", {}, [call], {"A": (100.0, 1.0)})
    z = tables.scenarios.names.index("+0.18 up")
    assert tables.cells.value[0, z] == pytest.approx(75.0 + 25.0 * 1.18 - 90.0, rel=1e-9)


def test_an_expirys_value_is_discounted_by_the_sign_of_its_sum():
    """At the money, no move: long counts .95 e^(-.16 T), short 1.04 e^(.16 T) or 1 / discount."""
    years, worth = 0.5, price(100.0, 100.0, 0.5, 0.5)
    for quantity, factor in ((1.0, 0.95 * math.exp(-0.08)), (-1.0, 1.0)):
        call = option(Kind.CALL, quantity, 100.0, years=years)
        standing, tables = solved("derive_pm2", {}, [call], {"A": (100.0, 1.0)})
        z = tables.scenarios.names.index("+0 same")
        assert standing.row[0, 0, z] == pytest.approx(quantity * worth * (factor - 1.0), abs=1e-12)


def test_a_skew_takes_each_expiry_at_its_worst_sign():
    """Two expiries that gain and lose alike add up instead of cancelling."""
    near = [option(Kind.CALL, q, 130.0, years=y) for q, y in ((1.0, 0.1), (-1.0, 0.2))]
    both, tables = solved("derive_pm2", {}, near, {"A": (100.0, 1.0)})
    z = tables.scenarios.names.index("+0 linear")
    apart = [solved("derive_pm2", {}, [leg], {"A": (100.0, 1.0)})[0].row[0, 0, z] for leg in near]
    assert max(apart) <= 0.0
    assert both.row[0, 0, z] == pytest.approx(sum(apart), rel=1e-12)


def test_a_short_call_and_put_of_one_strike_are_naked_together_and_cover_each_other():
    rate = 0.003 * 100.0
    for legs, count in (((-1.0, -1.0), 2.0), ((-1.0, 1.0), 0.0), ((1.0, 1.0), 0.0), ((-2, 1), 1.0)):
        rows = [option(kind, q, 100.0) for kind, q in zip((Kind.CALL, Kind.PUT), legs, strict=True)]
        standing, _ = solved("derive_pm2", {}, rows, {"A": (100.0, 1.0)})
        assert standing.charges["naked_short"][0, 0] == pytest.approx(count * rate)


def test_below_the_peg_the_initial_factor_rises():
    """0.02 below .99 at a slope of 4: IM counts the core at 1.08."""
    perpetual = [("P", Kind.PERPETUAL, 1.0, 100.0, {})]
    standing, _ = solved("derive_pm2", {}, perpetual, {"A": (100.0, 1.0)}, stable_usd=0.97)
    assert standing.im[0] == pytest.approx(1.08 * 18.0 + 4.0)
    assert standing.mm[0] == pytest.approx(0.8 * 18.0 + 3.0)


def test_an_uncertain_feed_is_charged_what_it_lacks():
    perpetual = [("P", Kind.PERPETUAL, -2.0, 100.0, {"confidence": 0.5})]
    standing, _ = solved("derive_pm2", {}, perpetual, {"A": (100.0, 1.0)})
    assert standing.charges["oracle"].tolist() == [[0.0], [100.0]]  # IM only
    for confidence in (0.55, 1.0):
        perpetual[0][4]["confidence"] = confidence
        standing, _ = solved("derive_pm2", {}, perpetual, {"A": (100.0, 1.0)})
        assert standing.charges["oracle"].tolist() == [[0.0], [0.0]]


def test_a_collateral_asset_has_its_haircut_and_may_cancel_risk():
    assets = [{"name": "WETH", "follows_spot": True, "haircut_mm": 0.1, "haircut_im_extra": 0.05,
               "source": "code"}]  # fmt: skip
    rows = [("WETH", Kind.SPOT, 1.0, 90.0, {}), ("P", Kind.PERPETUAL, -1.0, 90.0, {})]
    standing, _ = solved("derive_pm2", {"assets": assets}, rows, {"A": (100.0, 1.0)})
    assert standing.core[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert standing.equity[0] == pytest.approx(90.0)
    assert standing.mm[0] == pytest.approx(9.0 + 3.0)
    assert standing.im[0] == pytest.approx(13.5 + 4.0)


def test_degenerate_quotes_stay_finite():
    flat = {"k_star_min": 0.0, "cap_base": 0.0, "cap_per_root_year": 0.0}
    skews = {"linear": {"k_star_min": 0.0}, "abs": flat}
    zero = {"vol_term": {"days_floor": 0.0}, "skews": skews}
    rows = [
        option(Kind(3 + k % 2), -1.0, strike, years=years, vol=vol, forward=forward)
        for k, (years, vol, forward, strike) in enumerate([
            (0.0, 0.5, 100.0, 90.0), (0.0, 0.5, 100.0, 100.0), (0.1, 0.0, 100.0, 110.0),
            (0.1, 50.0, 100.0, 110.5), (0.2, 0.5, 0.0, 110.0), (1e-9, 0.5, 100.0, 100.0)])
    ]  # fmt: skip
    standing, _ = solved("derive_pm2", zero, rows, {"A": (100.0, 1.0)})
    assert np.isfinite(standing.row).all() and np.isfinite(standing.im).all()


def test_a_published_array_enters_as_it_is_and_must_have_every_column():
    held = Account(units={"A": (1.0, 1.0)})
    held.hold("F", Kind.FUTURE, 2.0, 1.0, years=0.1, cells=[0.0] * 15 + [-7.0])
    instruments, market, book, cells = held.build()
    tables = compile_tables(load_preset("span"), instruments, market, cells)
    assert margin(book, tables).im.tolist() == [14.0]
    with pytest.raises(ArgumentError, match="3 columns adopted; span has 16"):
        compile_tables(load_preset("span"), instruments, market, Cells.adopt([[0.0] * 3]))


def test_faults_of_market_and_preset_are_named():
    rows = [future("a", "A", 1.0, 0.1)]
    with pytest.raises(DomainError, match="price is 0.0, not positive"):
        solved("span", {}, rows, stable_usd=0.0)
    with pytest.raises(ModelError, match="no volatility rule 'sideways'"):
        solved("span", {"scenarios": {"scan": {"vol": ["sideways"]}}}, rows)
    with pytest.raises(ModelError, match="ladders differ in length"):
        ladders = {"BTC": [0.0], "*": [0.0, 1.0]}
        coins = {"BTC": (10.0, 1.0), "DOGE": (1.0, 1.0)}
        held = [(unit, Kind.PERPETUAL, 1.0, 1.0, {"unit": unit}) for unit in coins]
        family = {"label": "x", "kind": "grid", "spot": ladders, "source": "example"}
        solved("okx_pm", {"scenarios": [family]}, held, coins)
    with pytest.raises(ModelError, match="units has no 'A'"):
        solved("span", {"units": [{"names": ["B"], "source": "cme"}]}, rows)


def test_a_year_has_as_many_days_as_the_preset_says():
    """A tenth of a year of 250 days is 25 days: nearer volatilities move more."""
    short_year = {"pricing": {"days_per_year": 250.0}}
    rows = [option(Kind.CALL, 1.0, 100.0)]
    for overrides, days in (({}, 36.5), (short_year, 25.0)):
        _, tables = solved("derive_pm2", overrides, rows, {"A": (100.0, 1.0)})
        z = tables.scenarios.names.index("+0 up")
        power = 0.3 if days <= 30.0 else 0.13
        vol = 0.5 * (1.0 + 0.5 * (30.0 / days) ** power)
        assert tables.cells.value[0, z] == pytest.approx(price(100, 100, 0.1, vol), rel=1e-12)
