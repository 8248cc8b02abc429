# SPDX-License-Identifier: Apache-2.0
"""One more scenario can only add to what a book must hold.

Source: docs/method/margin.md, Scan: minima over more columns.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds


@given(data=st.data())
def test_fewer_scenarios_never_need_more(engine, data):
    world = data.draw(worlds())
    count, base = world.scenarios.n_scenarios, world.scenarios.base()
    kept = data.draw(st.sets(st.integers(0, count - 1), max_size=40)) | {base}
    prepared = engine.prepare(world)
    account = data.draw(accounts(prepared))
    fewer = replace(world, scenarios=world.scenarios.columns(sorted(kept)))
    few = engine.sweep(engine.prepare(fewer), [account])
    all_of_them = engine.sweep(prepared, [account])
    assert few["core"][0] <= all_of_them["core"][0]
    assert (few["unit_scan"] <= all_of_them["unit_scan"]).all()


@given(data=st.data())
def test_a_scenario_twice_changes_no_number(engine, data):
    world = data.draw(worlds(scenario_counts=st.integers(1, 20)))
    twice = [*range(world.scenarios.n_scenarios)] * 2
    prepared = engine.prepare(world)
    account = data.draw(accounts(prepared))
    doubled = engine.prepare(replace(world, scenarios=world.scenarios.columns(twice)))
    once, again = (engine.sweep(p, [account]) for p in (prepared, doubled))
    for name, column in once.items():  # the first of the two on a tie, so even scenarios agree
        assert (again[name] == column).all(), name
