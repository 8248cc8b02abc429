# SPDX-License-Identifier: Apache-2.0
"""The compiled risk array is the reference's full revaluation, within one quantum a cell.

Both round the same real number, which either computes to a few units in the last place, so they
can fall on either side of a half. Source: scenario.h, risk_array.h, docs/method/margin.md 1.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_core.reference.risk_array import risk_array
from properties.engines import Compiled, Reference
from properties.strategies import worlds

_risk = pytest.importorskip("margin_core._binding._risk")

COLUMNS = ("mark", "value", "notional", "delta", "basis_delta", "vega")


def compiled_array(world, numeraire, quantum):
    risk = Compiled().price(world, numeraire, quantum)
    cells = np.empty((risk.n_instruments, risk.n_scenarios))
    risk.copy_cells(cells)
    columns = {name: np.empty(risk.n_instruments) for name in COLUMNS}
    for name, column in columns.items():
        assert risk.copy_column(name, column)
    return cells, columns


@given(data=st.data())
def test_cells_and_columns_agree_within_a_quantum(data):
    world = data.draw(worlds())
    numeraire = data.draw(st.integers(-1, world.instruments.n_units - 1))
    index = 1.0 if numeraire < 0 else world.market.index_usd[numeraire]
    quantum = world.quantum / index  # as fine in the numeraire as in USD
    cells, columns = compiled_array(world, numeraire, quantum)
    expected = risk_array(
        world.instruments, world.market, world.scenarios, world.lot,
        quantum=quantum, numeraire=numeraire,
    )  # fmt: skip
    np.testing.assert_allclose(cells, expected.cells, rtol=0, atol=1)
    for name, column in columns.items():
        np.testing.assert_allclose(column, getattr(expected, name), rtol=0, atol=1, err_msg=name)


@given(world=worlds(), power=st.integers(0, 8))
def test_the_base_column_is_exactly_zero_for_any_lot(world, power):
    """V(z) and V come from the same formula, so nothing is left to round away."""
    large = replace(world, lot=world.lot * 10.0**power)
    cells, _ = compiled_array(large, -1, world.quantum)
    assert (cells[:, world.scenarios.base()] == 0).all()


@given(world=worlds())
def test_cells_are_whole_and_the_base_column_is_zero(world):
    cells, columns = compiled_array(world, -1, world.quantum)
    assert (cells == np.rint(cells)).all()
    assert (cells[:, world.scenarios.base()] == 0).all()
    for column in columns.values():
        assert (column == np.rint(column)).all()


@given(data=st.data())
def test_a_rounded_cell_is_within_half_a_quantum_of_the_unrounded_one(data):
    world = data.draw(worlds())
    cells, _ = compiled_array(world, -1, world.quantum)
    exact = risk_array(
        world.instruments, world.market, world.scenarios, world.lot, quantum=None
    ).cells
    assert np.abs(cells - exact / world.quantum).max() <= 0.5 + 1e-3


@given(world=worlds())
def test_rates_agree_within_a_quantum(world):
    """Of the same columns; an index times a fraction may round up on either side of a whole."""
    expected, actual = Reference().prepare(world).rates, Compiled().prepare(world).rates
    assert set(expected) == set(actual)
    reach = {"roll": 3, "vega": 2}  # a quantum of the sensitivity, times the move, and one more
    for name, column in expected.items():
        np.testing.assert_allclose(
            actual[name], column, rtol=0, atol=reach.get(name, 1), err_msg=name
        )


@given(data=st.data())
def test_a_scenarios_cells_do_not_depend_on_the_others(data):
    world = data.draw(worlds())
    z = data.draw(st.integers(0, world.scenarios.n_scenarios - 1))
    alone = replace(world, scenarios=world.scenarios.columns([world.scenarios.base(), z]))
    together, _ = compiled_array(world, -1, world.quantum)
    apart, _ = compiled_array(alone, -1, world.quantum)
    assert apart[:, 1].tobytes() == np.ascontiguousarray(together[:, z]).tobytes()
