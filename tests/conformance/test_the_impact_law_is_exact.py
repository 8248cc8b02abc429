# SPDX-License-Identifier: Apache-2.0
"""The concentration rate is exact even where a division ends just above a whole number.

Sizes are chosen so that the interpolated rate is a whole number plus the smallest fraction there
can be, or exactly whole. Source: docs/method/margin.md, Concentration.
"""

from collections import Counter
from dataclasses import replace
from math import gcd, sqrt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conformance import exact
from properties.strategies import worlds
from properties.worlds import Account, Model, UnitMargin

Q = 2**20


def nodes(depth_usd, impact_frac, quantum):
    scales = [2.0 ** (j - 6) for j in range(11)]
    sizes = [round(depth_usd / quantum / Q * scale) for scale in scales]
    rates = [min(Q, round(Q * impact_frac * sqrt(scale))) for scale in scales]
    return [(0, 0), *zip(sizes, rates, strict=True)]


def awkward_size(low, high, part):
    """A size between two nodes at which the rate is whole plus `part` of the finest fraction."""
    (n0, r0), (n1, r1) = low, high
    span, rise = n1 - n0, r1 - r0
    if rise == 0 or gcd(span, rise) > 1:
        span, rise = span // max(1, gcd(span, rise)), rise // max(1, gcd(span, rise))
    if span == 1 or rise == 0:
        return n0 + 1
    return n0 + part * pow(rise, -1, span) % span


@given(
    data=st.data(),
    depth_usd=st.floats(200.0, 1e12),
    impact_frac=st.floats(1e-4, 1.0),
    node=st.integers(0, 10),
    part=st.sampled_from([-1, 0, 1, 2]),
)
def test_no_size_is_charged_a_quantum_too_little(
    engine, data, depth_usd, impact_frac, node, part
):
    world = data.draw(worlds(max_units=1, scenario_counts=st.just(1)))
    unit = UnitMargin(market_depth_usd=depth_usd, market_impact_frac=impact_frac)
    prepared = engine.prepare(replace(world, model=Model(units=(unit,), lambda_k=(0,))))
    law = nodes(depth_usd, impact_frac, world.quantum)
    size = awkward_size(law[node], law[node + 1], part)
    i = data.draw(st.integers(0, len(prepared.cells) - 1))
    account = Account({i: (2**53 - 1) // prepared.gross()[i]})

    market = np.full((1, 2), min(size * Q, 2**62), np.int64)
    actual = engine.sweep(prepared, [account], market)["concentration"][0]
    line = exact.lines(prepared.world.instruments, prepared.cells, prepared.rates)
    held = exact.Held(0, 0, list(account.positions.items()), [])
    sizes = Counter({(0, side): int(market[0, side]) for side in (0, 1)})
    paper = exact.requirement(line, held, prepared.world.model, market=sizes)
    assert actual == paper["concentration"]
