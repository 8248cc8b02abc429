# SPDX-License-Identifier: Apache-2.0
"""The concentration rate is exact even where a division ends just above a whole number.

Sizes are chosen so that the interpolated rate is a whole number plus the smallest fraction there
can be: a quotient that a double cannot tell from the whole number, once depths are large.
Source: docs/method/margin.md, Concentration.
"""

from collections import Counter
from math import gcd, sqrt

import numpy as np
from hypothesis import given

from conformance import exact
from properties.strategies import seeds
from properties.worlds import (
    PERPETUAL,
    Account,
    Instruments,
    Market,
    Model,
    Scenarios,
    UnitMargin,
    World,
)

Q = 2**20
QUANTUM = 1e-6
UNITS = 64


def world_of_perpetuals(units):
    """One perpetual of 1 USD a unit, in a world where nothing moves."""
    n = len(units)
    number, ones, zeros = np.arange(n, dtype=np.int32), np.ones(n), np.zeros(n)
    instruments = Instruments(
        unit=number, term=number, kind=np.full(n, PERPETUAL, np.uint8),
        inverse=np.zeros(n, np.uint8), factor=np.full(n, -1, np.int32), strike=zeros,
        contract_size=ones, step=ones, n_units=n, n_terms=n,
    )  # fmt: skip
    market = Market(
        index_usd=ones, confidence_frac=zeros, years=zeros, forward_usd=ones, discount=ones,
        vol=zeros, mark_usd=ones, quote_usd=ones,
    )  # fmt: skip
    return World(instruments, market, Scenarios(1, zeros[:, None]), ones, Model(units, (0,)))


def nodes(unit):
    scales = [2.0 ** (j - 6) for j in range(11)]
    sizes = [round(unit.market_depth_usd / QUANTUM / Q * scale) for scale in scales]
    rates = [min(Q, round(Q * unit.market_impact_frac * sqrt(scale))) for scale in scales]
    return [(0, 0), *zip(sizes, rates, strict=True)]


def awkward_size(low, high):
    """The size between two nodes whose rate is whole plus the finest fraction there is."""
    (n0, r0), (n1, r1) = low, high
    common = gcd(n1 - n0, r1 - r0)
    span, rise = (n1 - n0) // common, (r1 - r0) // common
    return n0 + (pow(rise, -1, span) if rise and span > 1 else 1)


@given(seed=seeds)
def test_no_size_is_charged_a_quantum_too_little(engine, seed):
    rng = np.random.default_rng(seed)
    units = tuple(
        UnitMargin(
            market_depth_usd=float(10.0 ** rng.uniform(2.5, 12.0)),
            market_impact_frac=float(rng.uniform(1e-4, 1.0)),
        )
        for _ in range(UNITS)
    )
    prepared = engine.prepare(world_of_perpetuals(units))
    market = np.zeros((UNITS, 2), np.int64)
    for u, unit in enumerate(units):
        law = nodes(unit)
        node = int(rng.integers(11))
        market[u, 0] = min(awkward_size(law[node], law[node + 1]) * Q, 2**62)
    lots = (2**53 - 1) // sum(prepared.gross())
    account = Account(dict.fromkeys(range(UNITS), lots))

    actual = engine.sweep(prepared, [account], market)["concentration"][0]
    line = exact.lines(prepared.world.instruments, prepared.cells, prepared.rates)
    own = exact.one_sided(line, exact.Held(0, 0, list(account.positions.items()), []))
    sizes = Counter({(u, 0): int(size) for u, size in enumerate(market[:, 0])})
    assert actual == exact.concentration(own, own, sizes, prepared.world.model, QUANTUM)
