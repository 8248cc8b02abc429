# SPDX-License-Identifier: Apache-2.0
"""The ledger adds up after every event, everybody stays solvent, and the reference agrees.

Source: docs/method/clearing.md.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from margin_core.errors import MarginCoreError
from margin_core.reference import clearing as reference

N = 5
account = st.integers(0, N - 1)
size = st.one_of(st.integers(0, 40), st.integers(0, 2**50))
some = st.lists(account, unique=True)
waterfalls = st.builds(
    mc.Waterfall,
    insurance_limit=st.one_of(st.just(0), st.integers(1, 2**50)),
    adl=st.sampled_from(["pro_rata", "ranked", "none"]),
    socialises=st.booleans(),
    fee_to_fund=st.booleans(),
)


@st.composite
def events(draw):
    kind = draw(st.sampled_from(["deposit", "variation", "liquidation", "insurance", "adl",
                                 "socialised"]))  # fmt: skip
    if kind == "deposit":
        sign = draw(st.sampled_from([1, 1, -1]))
        return kind, {"account": draw(st.integers(-1, N - 1)), "amount": sign * draw(size)}
    if kind == "variation":
        return kind, {"account": draw(account), "counterparty": draw(account),
                      "amount": draw(size)}  # fmt: skip
    if kind == "liquidation":
        return kind, {"account": draw(account), "counterparty": draw(account),
                      "amount": draw(st.one_of(st.just(0), size)),
                      "pnl": draw(st.sampled_from([1, 1, 2])), "fee": draw(size)}  # fmt: skip
    if kind == "adl" and draw(st.booleans()):
        return kind, draw(st.lists(account, max_size=2 * N))  # a queue may repeat itself
    return kind, sorted(draw(some)) if draw(st.booleans()) else draw(some)


def apply_both(ledger, model, kind, what):
    """The candidates' haircuts from both; what one refuses, both refuse, by the same name."""
    if kind == "liquidation":
        held = model.pnl[what["account"]]
        what = {**what, "pnl": held if what["pnl"] == 1 else held // 2}
    candidates = [] if isinstance(what, dict) else what
    if kind == "insurance":
        candidates = []
    event = ledger.events(kind, **(what if isinstance(what, dict) else {"count": len(candidates)}))
    before = ledger.copy()
    try:
        if kind in ("deposit", "variation", "liquidation"):
            getattr(model, kind)(**what)
            expected = []
        else:
            expected = model.layer(kind, candidates)
    except MarginCoreError as refused:
        with pytest.raises(type(refused)):
            ledger.apply(event, candidates)
        assert_equal(ledger, before)
        return
    done = ledger.apply(event, candidates)
    assert done.haircuts.tolist() == expected
    after = ledger.copy()
    assert (ledger.apply(event, candidates).receipts == done.receipts).all()
    assert_equal(ledger, after)


def assert_equal(a, b):
    assert a.cash.tolist() == list(b.cash) and a.pnl.tolist() == list(b.pnl)
    assert (a.insurance, a.fees, a.deficit) == (b.insurance, b.fees, b.deficit)


@given(waterfalls, st.lists(events(), max_size=40))
def test_every_prefix_adds_up_and_agrees_with_the_reference(waterfall, sequence):
    ledger = mc.Ledger([0] * N, waterfall=waterfall)
    model = reference.Ledger([0] * N, [0] * N, vars(waterfall))
    for kind, what in sequence:
        apply_both(ledger, model, kind, what)
        assert_equal(ledger, model)
        assert ledger.residual == 0 and ledger.total == model.everything()
        assert min(*ledger.cash, ledger.insurance, ledger.fees, ledger.deficit) >= 0


@given(st.lists(st.integers(-(2**50), 2**50), min_size=1, max_size=8), st.data())
def test_adl_takes_the_deficit_from_winners_alone(pnl, data):
    gains = [max(p, 0) for p in pnl]
    deficit = data.draw(st.integers(0, sum(gains) + 5))
    rules = mc.Waterfall(insurance_limit=0, socialises=False)
    ledger = mc.Ledger([3] * len(pnl), pnl, deficit=deficit, waterfall=rules)
    cut = ledger.cover(list(range(len(pnl)))).haircuts.tolist()
    taken, there = min(deficit, sum(gains)), sum(gains)
    assert sum(cut) == taken
    for haircut, gain in zip(cut, gains, strict=True):
        assert 0 <= haircut <= gain
        assert abs(haircut * there - taken * gain) < max(there, 1)  # within one quantum


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=6), st.data())
def test_a_split_account_pays_what_it_paid_whole(pnl, data):
    at = data.draw(st.integers(0, len(pnl) - 1))
    part = data.draw(st.integers(0, pnl[at]))
    deficit = data.draw(st.integers(0, sum(pnl)))
    rules = mc.Waterfall(insurance_limit=0, socialises=False)
    cut = [
        mc.Ledger([0] * len(p), p, deficit=deficit, waterfall=rules)
        .cover(list(range(len(p)))).haircuts.tolist()
        for p in (pnl, [*pnl[:at], part, pnl[at] - part, *pnl[at + 1 :]])
    ]  # fmt: skip
    whole, split = cut
    assert whole == [*split[:at], split[at] + split[at + 1], *split[at + 2 :]]
