# SPDX-License-Identifier: Apache-2.0
"""Small worlds, models and books, drawn so that they shrink to ones that a person can read.

What decides a failure (which instruments, how many lots) is drawn piece by piece; what fills the
tables (prices, moves) comes from one drawn seed. Lots reach up to the exactness bound of
docs/method/margin.md section 5: `Purse` deals out what an account may still hold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from properties.engines import Prepared
from properties.worlds import (
    CALL,
    FUTURE,
    PERPETUAL,
    PORTFOLIO,
    PUT,
    SPOT,
    Account,
    Asset,
    Instruments,
    Market,
    Model,
    Order,
    Scenarios,
    Tier,
    UnitMargin,
    World,
)

EXACT = 2**53
QUANTUM = 1e-6

#: Scenario counts: every remainder of the vector loops, and more than one block of them.
SCENARIO_COUNTS = st.one_of(st.integers(1, 70), st.sampled_from([130, 512]))

seeds = st.integers(0, 2**32 - 1)


#: Risk lots of a million times the smallest have cells that 32 bits do not hold.
ANY_WIDTH = (1.0, 1e6)


# ---------------------------------------------------------------------------------------------
# Worlds


@st.composite
def worlds(
    draw, *, max_units=4, scenario_counts=SCENARIO_COUNTS, plain_weights=False, lot_scales=(1.0,)
):
    """Instruments of one to `max_units` units, a market, scenarios and a model."""
    chain = [draw(_units()) for _ in range(draw(st.integers(1, max_units)))]
    instruments = _instruments(chain)
    rng = np.random.default_rng(draw(seeds))
    market = _market(rng, instruments)
    scenarios = _scenarios(rng, instruments, draw(scenario_counts), plain_weights)
    notional = np.where(
        (instruments.inverse == 1) & (instruments.kind < CALL), 1.0, market.index_usd[
            instruments.unit
        ],
    ) * instruments.contract_size  # fmt: skip
    power = np.ceil(np.log10(2**16 * QUANTUM / (0.1 * notional * instruments.step)))
    lot = instruments.step * 10.0 ** np.maximum(0.0, power)
    lot = lot * draw(st.sampled_from(lot_scales))
    model = draw(models(len(chain), np.flatnonzero(instruments.kind == SPOT)))
    return World(instruments, market, scenarios, lot, model, QUANTUM)


@st.composite
def _units(draw):
    """One unit as a list of terms, a term as a list of (kind, strike step, inverse)."""
    terms = []
    if draw(st.booleans()):
        terms.append([(SPOT, 0, False)] * draw(st.integers(1, 2)))
    if draw(st.booleans()):
        terms.append([(PERPETUAL, 0, draw(st.booleans()))])
    for _ in range(draw(st.integers(0 if terms else 1, 4))):
        inverse = draw(st.booleans())
        expiry = [(FUTURE, 0, inverse)] if draw(st.booleans()) else []
        for strike in sorted(draw(st.sets(st.integers(-3, 3), max_size=3))):
            for kind in draw(st.sampled_from([(CALL,), (PUT,), (CALL, PUT)])):
                expiry.append((kind, strike, inverse))
        terms.append(expiry or [(FUTURE, 0, inverse)])
    return terms


def _instruments(chain):
    rows, first = [], 0
    for u, terms in enumerate(chain):
        for t, term in enumerate(terms, first):
            rows += [(u, t, *instrument) for instrument in term]
        first += len(terms)
    unit, term, kind, strike, inverse = (np.array(column) for column in zip(*rows, strict=True))
    asset = kind == SPOT
    return Instruments(
        unit=unit.astype(np.int32),
        term=term.astype(np.int32),
        kind=kind.astype(np.uint8),
        inverse=inverse.astype(np.uint8),
        factor=np.where(asset, np.cumsum(asset) % 3 - 1, -1).astype(np.int32),
        strike=np.where(kind >= CALL, strike, 0).astype(np.float64),  # steps; _market makes USD
        contract_size=np.where(inverse & (kind < CALL), 10.0, 1.0),
        step=np.where(inverse & (kind < CALL), 1.0, 1e-4),
        n_units=len(chain),
        n_terms=first,
    )


def _market(rng, instruments):
    n = len(instruments.unit)
    index = np.exp(rng.uniform(np.log(0.01), np.log(1e5), instruments.n_units))
    option = instruments.kind >= CALL
    dated = np.zeros(instruments.n_terms, bool)
    dated[instruments.term[instruments.kind >= FUTURE]] = True
    years = np.where(
        dated, rng.choice([0.0, 0.003, 0.04, 0.06, 0.2, 0.5, 0.7, 2.0], dated.size), 0.0
    )
    basis = np.exp(0.05 * years * rng.uniform(-1, 2))[instruments.term]
    premium = np.where(instruments.kind == SPOT, rng.uniform(-0.01, 0.01, n), 0.0)
    forward = index[instruments.unit] * basis * (1 + premium)
    instruments.strike[option] = (
        index[instruments.unit] * 1.15 ** instruments.strike
    )[option]  # fmt: skip
    vol = np.where(option, rng.uniform(0.0, 2.0, n), 0.0)
    inverse_future = (instruments.inverse == 1) & ~option
    mark = np.where(
        inverse_future, -instruments.contract_size * index[instruments.unit] / forward,
        np.where(option, 0.1 * forward * vol, forward),
    ) * rng.uniform(0.9, 1.1, n)  # fmt: skip
    return Market(
        index_usd=index,
        confidence_frac=rng.choice([0.0, 0.001, 0.02], instruments.n_units),
        years=years,
        forward_usd=forward,
        discount=np.exp(-0.03 * years)[instruments.term],
        vol=vol,
        mark_usd=mark,
        quote_usd=rng.choice([1.0, 0.9, 1.02], n),
    )


def _scenarios(rng, instruments, count, plain_weights):
    """Independent moves of every unit; the base column stands anywhere."""
    shape = instruments.n_terms, count
    unit_of = np.zeros(instruments.n_terms, int)
    unit_of[instruments.term] = instruments.unit
    n_factors = 2
    spot = rng.uniform(-0.6, 0.6, (instruments.n_units, count))[unit_of]
    columns = {
        "spot_move": spot,
        "basis_move": rng.choice([0.0, 0.02, -0.03], shape),
        "vol_scale": rng.choice([0.5, 1.0, 1.6], shape),
        "vol_shift": rng.choice([0.0, 0.1, -0.1], shape),
        "vol_floor": rng.choice([0.0, 0.5], shape),
        "skew_slope": rng.choice([0.0, -0.5, 0.5], shape),
        "skew_cap": rng.choice([0.1, 0.3], shape),
        "weight": np.ones(shape) if plain_weights else rng.choice([1.0, 0.0, 0.35], shape),
        "horizon_years": rng.choice([0.0, 1 / 365, 0.05], count),
        "event_move": rng.choice([0.0, -0.2, -0.9, 0.5], (n_factors, count)),
    }
    base = rng.integers(count)
    at_rest = {"vol_scale": 1.0, "weight": 1.0}
    for name, column in columns.items():
        column[..., base] = at_rest.get(name, 0.0)
    # Some tables leave columns out: NULL has no effect anywhere.
    left_out = rng.random(len(columns)) < 0.2
    for name, out in zip(list(columns), left_out, strict=True):
        if out and name not in ("spot_move", "event_move"):
            del columns[name]
    return Scenarios(n_scenarios=count, n_factors=n_factors, **columns)


# ---------------------------------------------------------------------------------------------
# Models

DEPTHS = [0.0, 0.0, 200.0, 1e4, 1e6, 1e8, 5e9]
TIERS = [0.1, 50.0, 1e3, 1e5, 1e6, 1e8]


@st.composite
def models(draw, n_units, spots=()):
    groups = sorted(draw(st.lists(st.integers(0, 2), min_size=n_units, max_size=n_units)))
    n_groups = draw(st.integers(groups[-1] + 1, 3))
    mm_factor = draw(st.one_of(st.sampled_from([1, 819, 1024, 2**14]), st.integers(1, 4096)))
    rng = np.random.default_rng(draw(seeds))
    return Model(
        units=tuple(_unit_margin(rng, group) for group in groups),
        lambda_k=tuple(draw(st.lists(st.integers(0, 819), min_size=n_groups, max_size=n_groups))),
        mm_factor_k=mm_factor,
        im_factor_k=min(2**14, mm_factor + draw(st.sampled_from([0, 1, 205, 2**13]))),
        assets=_assets(rng, [int(i) for i in spots if draw(st.booleans())]),
    )


def _fraction(rng, most=1.0):
    """Often an edge, else anything."""
    return float(rng.choice([0.0, 0.01, most, *np.round(rng.uniform(0, most, 3), 6)]))


def _assets(rng, instruments):
    """Some are sold into one depth."""
    shared = float(rng.choice(DEPTHS)), _fraction(rng)
    return tuple(_asset(rng, i, shared if rng.random() < 0.5 else None) for i in instruments)


def _asset(rng, instrument, shared):
    mm, im = sorted((_fraction(rng), _fraction(rng)))
    unscanned = _fraction(rng) if rng.random() < 0.5 else 0.0
    market, exit_ = (0, (float(rng.choice(DEPTHS)), _fraction(rng))) if shared is None else (
        7, shared)  # fmt: skip
    return Asset(instrument, market, mm, im, *exit_, unscanned)


def _unit_margin(rng, group):
    def fraction(most=1.0):
        return _fraction(rng, most)

    n_tiers = rng.integers(1, 5)
    above = [0.0, *sorted(rng.choice(TIERS, n_tiers - 1, replace=False))]
    rates = sorted(fraction(0.5) for _ in above)
    short, isolated = fraction(0.5), fraction(0.5)
    upper = float(rng.choice([0.0, 0.0, 2e8]))
    return UnitMargin(
        group=group,
        roll_move_frac=fraction(0.5),
        roll_min_frac=fraction(0.5),
        short_option_mm_frac=short,
        short_option_im_frac=short + fraction(0.5),
        vega_twist=fraction(0.5),
        close_frac=fraction(0.5),
        depth_usd=float(rng.choice(DEPTHS)),
        impact_frac=fraction(),
        market_depth_usd=float(rng.choice(DEPTHS)),
        market_impact_frac=fraction(),
        asset_haircut_frac=fraction(),
        isolated_mm_frac=isolated,
        isolated_im_frac=isolated + fraction(0.5),
        tiers=tuple(
            Tier(float(a), mm, min(1.0, mm + 0.01)) for a, mm in zip(above, rates, strict=True)
        ),
        open_interest_usd=float(rng.choice([0.0, 1.2e8, 1e9])),
        open_interest_lower_usd=1e8 if upper else 0.0,
        open_interest_upper_usd=upper,
    )


# ---------------------------------------------------------------------------------------------
# Books


class Purse:
    """What an account may still hold before its sums stop being exact."""

    def __init__(self, gross, share=1):
        self.gross = gross
        self.left = (EXACT - 1) // share

    def lots(self, draw, instrument):
        """Small lots mostly, now and then as much as fits."""
        largest = self.left // max(1, self.gross[instrument])
        if largest == 0:
            return 0
        some = st.integers(-min(largest, 50), min(largest, 50))
        lots = draw(st.one_of(some, some, st.integers(-largest, largest)))
        self.left -= abs(lots) * max(1, self.gross[instrument])
        return lots

    def order(self, draw, instrument, mark):
        """An order within a few quanta or far from the mark."""
        away = draw(st.one_of(
            st.integers(-3, 3), st.integers(-1, 1).map(lambda s: s * (abs(mark) // 10 + 1))
        ))  # fmt: skip
        reach = max(1, self.gross[instrument] + abs(away))
        largest = min(10**6, self.left // reach)
        lots = draw(st.integers(-largest, largest))
        self.left -= abs(lots) * reach
        return Order(instrument, lots, mark - away)


@st.composite
def accounts(draw, prepared: Prepared, *, share=1, orders=True, modes=(PORTFOLIO,), cash=True):
    """One account; `share` n leaves room to add n of them up."""
    n = len(prepared.cells)
    purse = Purse(prepared.gross(), share)
    positions = {i: purse.lots(draw, i) for i in draw(_held(n))}
    placed = draw(st.lists(st.integers(0, n - 1), max_size=3)) if orders else []
    return Account(
        positions=positions,
        orders=tuple(purse.order(draw, i, int(prepared.rates["mark"][i])) for i in placed),
        cash=draw(st.one_of(st.just(0), st.integers(-(10**12), 10**12))) if cash else 0,
        mode=draw(st.sampled_from(modes)),
    )


@st.composite
def books(draw, prepared: Prepared, *, max_accounts=5, **kwargs):
    """Accounts of several owners."""
    drawn = draw(st.lists(accounts(prepared, **kwargs), min_size=1, max_size=max_accounts))
    return [replace(account, owner=draw(st.integers(-1, 2))) for account in drawn]


def _held(n):
    """A few of n instruments, none, or nearly all."""
    few = st.lists(st.integers(0, n - 1), max_size=6, unique=True)
    many = st.lists(st.integers(0, n - 1), min_size=(n + 1) // 2, max_size=n, unique=True)
    return st.one_of(few, many)


# ---------------------------------------------------------------------------------------------
# Bare arrays, for the scan


@st.composite
def arrays(draw, *, max_instruments=8, scenario_counts=SCENARIO_COUNTS, base=True):
    """(n, S) whole cells up to a drawn magnitude; with a base column of zeros unless told."""
    n = draw(st.integers(1, max_instruments))
    count = draw(scenario_counts)
    magnitude = 2 ** draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(seeds))
    cells = rng.integers(-magnitude, magnitude, (n, count), endpoint=True)
    if base:
        cells[:, rng.integers(count)] = 0
    return cells


@st.composite
def holdings(draw, cells, *, share=1):
    """Positions in a bare array."""
    purse = Purse([max(1, int(g)) for g in np.abs(cells).max(axis=1)], share)
    return Account(positions={i: purse.lots(draw, i) for i in draw(_held(len(cells)))})
