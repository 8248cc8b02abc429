# SPDX-License-Identifier: Apache-2.0
"""Deposits = credited + pending + reverted, whatever the order of events, repeated or not."""

from hypothesis import given
from hypothesis import strategies as st

from margin_core import Deposit, Deposits
from margin_core.collateral.deposits import Totals

heights = st.integers(0, 60)
branches = st.integers(0, 3)


@st.composite
def histories(draw):
    ids = draw(st.lists(st.tuples(heights, branches), max_size=8))
    amounts = draw(st.lists(st.integers(1, 10**24), min_size=8, max_size=8))
    events = [
        ("deposit", Deposit(str(i), "ab"[i % 2], "BNB", "bnb", amounts[i], height, branch))
        for i, (height, branch) in enumerate(ids)
    ]
    events += [("head", ("bnb", *x)) for x in draw(st.lists(st.tuples(heights, branches)))]
    forks = draw(st.dictionaries(st.integers(1, 3), heights))
    events += [("reorganise", ("bnb", height, branch)) for branch, height in forks.items()]
    return events


def state(events):
    ledger = Deposits()
    for kind, event in events:
        ledger.deposit(event) if kind == "deposit" else getattr(ledger, kind)(*event)
    return dict(ledger.parts())


@given(histories(), st.randoms(use_true_random=False))
def test_the_state_is_a_function_of_the_set_of_events(events, random):
    shuffled = events + random.sample(events, len(events) // 2)
    random.shuffle(shuffled)
    assert state(shuffled) == state(events)


@given(histories())
def test_nothing_is_lost(events):
    for deposit, part in state(events).items():
        assert min(part.credited, part.pending, part.reverted) >= 0
        assert part.credited + part.pending + part.reverted == deposit.amount


@given(histories(), heights, st.integers(4, 5))
def test_a_reorganisation_leaves_what_would_be_had_they_never_come(events, height, branch):
    """Deposits and heads beyond the fork are void, and only those."""
    fork = ("reorganise", ("bnb", height, branch))
    after = state([*events, fork])
    kept = [e for e in events if e[0] != "deposit" or e[1].height <= height]
    never = state([*kept, fork])
    assert {d: p for d, p in after.items() if d.height <= height} == never
    for deposit, part in after.items():
        if deposit.height > height:
            assert part == Totals(reverted=deposit.amount)
