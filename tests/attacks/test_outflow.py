# SPDX-License-Identifier: Apache-2.0
"""Class 22: whoever lists a token, lifts the limits and drains the venue in one batch gets a day's
worth.

Source: class 22 of the attack catalogue; collateral/outflow.py.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attacks.conftest import VARIANTS
from margin_core import Outflow
from margin_core.errors import ArgumentError, DomainError, RowOrderError

DAY = 86_400 * 10**9
LIMIT = 10**6

steps = st.lists(
    st.tuples(st.integers(0, 2 * DAY), st.integers(0, 3 * LIMIT), st.integers(0, 10**12)),
    max_size=40,
)


@given(steps=steps)
def test_no_sequence_takes_more_than_the_limits_in_force_allow(steps):
    """Withdrawals as large as may be, between announcements of any limit."""
    breaker, now, total, room = Outflow(LIMIT, DAY, 7 * DAY, 0), 0, 0, LIMIT * DAY
    for wait, amount, limit in steps:
        before = breaker
        now += wait
        breaker = breaker.at(now)
        raised = before.raised_ns if 0 < before.raised_ns <= now else now
        room += before.limit * (raised - (now - wait)) + breaker.limit * (now - raised)
        room += max(0, breaker.limit - before.limit) * DAY
        taken = min(amount, breaker.free(now))
        breaker = breaker.withdraw(taken, now)
        total += taken
        assert total * DAY <= room
        with pytest.raises(DomainError):
            breaker.withdraw(breaker.free(now) + 1, now)
        lifted = breaker.with_limit(limit, now)
        assert lifted.free(now) <= breaker.free(now)  # a lifted limit opens nothing now
        breaker = lifted


def test_a_drain_in_one_batch_gets_a_day_s_worth(chance):
    """Limits lifted and lowered at any moment of a week, everything that may leave taken each time:
    until the delay has passed no more than the first limit and what it refills."""
    for _ in range(VARIANTS):
        limit, delay = int(chance.integers(1, 10**15)), int(chance.integers(1, 7 * DAY))
        breaker, now, taken = Outflow(limit, DAY, delay, 0), 0, 0
        for wait, lifted in zip(
            chance.integers(0, delay // 4 + 1, 4).tolist(),
            chance.integers(0, 10**18, 4).tolist(),
            strict=True,
        ):
            now += wait
            if now >= delay:
                break
            breaker = breaker.at(now).with_limit(max(lifted, limit), now)
            free = breaker.free(now)
            breaker = breaker.withdraw(free, now)
            taken += free
            assert taken * DAY <= limit * (DAY + now)


def test_a_lifted_limit_waits_and_a_lowered_one_does_not():
    breaker = Outflow(LIMIT, DAY, 7 * DAY, 0).withdraw(LIMIT, 0)
    lifted = breaker.with_limit(10**12, 0)
    assert lifted.free(0) == 0 and lifted.free(DAY // 2) == LIMIT // 2
    assert lifted.free(7 * DAY - 1) == LIMIT
    assert lifted.free(7 * DAY) == 10**12
    assert breaker.with_limit(0, 0).free(100 * DAY) == 0
    announced_again = lifted.with_limit(10**11, DAY)
    assert announced_again.free(8 * DAY - 1) == LIMIT and announced_again.free(8 * DAY) == 10**11


def test_what_makes_no_sense_is_named():
    with pytest.raises(ArgumentError):
        Outflow(-1, DAY, 0, 0)
    with pytest.raises(ArgumentError):
        Outflow(1, 0, 0, 0)
    with pytest.raises(RowOrderError, match="before"):
        Outflow(1, DAY, 0, 5).at(4)
    with pytest.raises(DomainError, match="may leave now"):
        Outflow(1, DAY, 0, 0).withdraw(-1, 0)
