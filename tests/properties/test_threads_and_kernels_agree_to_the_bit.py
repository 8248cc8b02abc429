# SPDX-License-Identifier: Apache-2.0
"""Every copy of the kernels and every number of threads returns the same bits.

Source: isa.h, sweep.h; docs/determinism.md.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.engines import Compiled
from properties.strategies import ANY_WIDTH, arrays, books, holdings, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO

_errors = pytest.importorskip("margin_core._binding._errors")


@pytest.fixture(autouse=True, scope="module")
def best_kernels():
    best = _errors.isa()
    yield
    _errors.select_isa(best)


def results(threads, world, accounts):
    engine = Compiled(threads)
    prepared = engine.prepare(world)
    exposures = engine.exposure(prepared, accounts)
    standing = engine.sweep(prepared, accounts, *exposures)
    columns = [prepared.cells, *prepared.rates.values(), *exposures, *standing.values()]
    return [column.tobytes() for column in columns]


@given(data=st.data())
def test_a_sweep_is_the_same_bits(data):
    world = data.draw(worlds(lot_scales=ANY_WIDTH))
    prepared = Compiled().prepare(world)
    accounts = data.draw(books(prepared, modes=(PORTFOLIO, PORTFOLIO, CROSS, ISOLATED)))
    many = accounts * data.draw(st.sampled_from([1, 1, 500]))  # more than one block of accounts
    expected = None
    for name in _errors.isas():
        _errors.select_isa(name)
        for threads in (1, 3):
            actual = results(threads, world, many)
            expected = expected or actual
            assert actual == expected, (name, threads)


@given(data=st.data())
def test_a_scan_is_the_same_bits(data):
    cells = data.draw(arrays(base=False))
    accounts = data.draw(st.lists(holdings(cells), min_size=1, max_size=5))
    expected = None
    for name in _errors.isas():
        _errors.select_isa(name)
        for threads in (1, 3):
            worst, scenario = Compiled(threads).scan(cells, accounts)
            actual = worst.tobytes(), scenario.tobytes()
            expected = expected or actual
            assert actual == expected, (name, threads)
