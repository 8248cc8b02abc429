# SPDX-License-Identifier: Apache-2.0
"""A preset of any rules: the core against plain loops, and the same bits from every copy.

Source: preset.h, charge.h; python/margin_core/reference/preset.py.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_core.reference.preset import Reference
from margin_core.venues.scan.core import CREDIT, RATES, SPREAD
from properties.strategies import seeds

_errors = pytest.importorskip("margin_core._binding._errors")
_margin = pytest.importorskip("margin_core._binding._margin")
_preset = pytest.importorskip("margin_core._binding._preset")

LEVELS = 3


@pytest.fixture(autouse=True, scope="module")
def best_kernels():
    best = _errors.isa()
    yield
    _errors.select_isa(best)


@st.composite
def venues(draw):
    """(columns, charges, rates, spreads, credits): the core's form, and the reference's."""
    rng = np.random.default_rng(draw(seeds))
    n_units, n_columns = draw(st.integers(1, 3)), draw(st.integers(1, 90))
    terms = [draw(st.integers(1, 3)) for _ in range(n_units)]
    unit, term, pair, option = [], [], [], []
    for t, u in enumerate(np.repeat(np.arange(n_units), terms)):
        for strike in range(draw(st.integers(1, 3))):
            for _ in range(draw(st.integers(1, 2))):
                unit.append(u)
                term.append(t)
                pair.append(3 * t + strike)
                option.append(draw(st.booleans()))
    n, n_terms = len(unit), sum(terms)
    pair = np.unique(pair, return_inverse=True)[1]
    plain = draw(st.booleans())
    n_competing = 0 if plain else min(draw(st.integers(0, 4)), n_columns - 1)
    competitor = np.full(n_columns, -1, dtype=np.int32)
    competitor[n_columns - n_competing :] = np.sort(np.arange(n_competing) // 2)
    n_competitors = int(competitor.max()) + 1

    def some(low, high, *shape):
        return rng.uniform(low, high, int(np.prod(shape)))

    def unless_plain(column):
        return None if plain or draw(st.booleans()) else column

    columns = {
        "n": n, "n_units": n_units, "n_terms": n_terms, "n_columns": n_columns,
        "unit": np.array(unit, np.int32), "term": np.array(term, np.int32),
        "pair": pair.astype(np.int32), "is_option": np.array(option, np.uint8),
        "value": some(-10, 20, n, n_columns), "base": some(0, 10, n), "mark": some(0, 10, n),
        "delta": some(-1, 1, n), "weight": unless_plain(some(0, 2, n_units, n_columns)),
        "long_factor": unless_plain(some(0.5, 1, n_terms)),
        "short_factor": unless_plain(some(1, 1.5, n_terms)),
        "folds": unless_plain(rng.integers(0, 2, n_columns).astype(np.uint8)),
        "competitor": competitor if n_competitors else None, "n_competitors": n_competitors,
        "compete_rate": some(0, 2, n_competitors, n_terms),
        "dampener": unless_plain(some(0, 5, n_units, n_columns)),
        "gain_offset": unless_plain(some(0, 1, n_units)),
        "gain_cap": unless_plain(some(0, 30, n_units)),
        "core_quantum": draw(st.sampled_from([0.0, 0.25])),
        "combination": draw(st.integers(0, 3)), "lambda_frac": draw(st.sampled_from([0.0, 0.7])),
        "correlation": np.where(np.eye(n_units, dtype=bool), 1.0, 0.4).reshape(-1),
        "spot_move": rng.choice([-0.2, 0.0, 0.1], n_units * n_columns),
        "mm_factor": 0.8, "im_factor": 1.3,
    }  # fmt: skip
    credits = np.zeros(0, CREDIT)
    if n_units > 1:
        credits = np.array([((0, 1), (1, -1), (1.0, 2.0), 0.6), ((1, 0), (1, 1), (1.0, 1.0), 0.3)],
                           CREDIT)  # fmt: skip
    columns |= {"credits": credits.view(np.uint8), "n_credits": len(credits)}

    charges, rates, spreads = [], [], []
    for _ in range(draw(st.integers(0, 4))):
        form, segment = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        levels = form == 4 or (segment == 3 and form < 3)
        segment = 4 if segment == 3 and not levels else segment
        table = np.zeros(n_units, RATES)
        for u in range(n_units):
            table[u]["mm"], table[u]["im"] = rng.uniform(0, 1, 2)
            table[u]["shape"], table[u]["n_tiers"] = rng.integers(0, 3), 3
            table[u]["above"][:3], table[u]["multiplier"][:3] = [0.0, 2.0, 20.0], [1.0, 0.5, 3.0]
            table[u]["ramp_slope"], table[u]["ramp_threshold"] = 0.1, 3.0
            table[u]["ramp_cap"] = 0.4
        pairs = np.array([(0, 0, 0.5), (0, 2, 0.25), (1, 2, 2.0)] if form == 4 else [], SPREAD)
        # a term is of one level, so that its spreads are
        level = rng.integers(0, LEVELS, n_terms)[columns["term"]].astype(np.int32)
        charges.append({
            "form": form, "segment": segment, "role": draw(st.integers(0, 3)),
            "weight": some(-5, 5, n), "level": level if levels else None,
            "n_levels": LEVELS if levels else 0, "rates": table.view(np.uint8),
            "spreads": pairs.view(np.uint8), "n_spreads": len(pairs),
        })  # fmt: skip
        rates.append([{name: row[name] for name in RATES.names} for row in table])
        spreads.append([tuple(row) for row in pairs.tolist()])
    wanted = [dict(zip(CREDIT.names, row, strict=True)) for row in credits.tolist()]
    return columns, charges, rates, spreads, wanted


@st.composite
def accounts(draw, n):
    """A few accounts, each a list of (instrument, quantity)."""
    quantity = st.floats(-50, 50).map(lambda x: round(x, 3))
    one = st.dictionaries(st.integers(0, n - 1), quantity, max_size=n)
    return [sorted(held.items()) for held in draw(st.lists(one, min_size=1, max_size=4))]


def swept(columns, charges, held, threads=1):
    """Every output of the core, by name, shaped."""
    n, u, j, k = len(held), columns["n_units"], columns["n_columns"], len(charges)
    flat = [leg for account in held for leg in account]
    book = _margin.BookHandle(
        n_instruments=columns["n"], offset=np.cumsum([0, *map(len, held)]),
        instrument=np.array([i for i, _ in flat], np.int32), lots=np.array([q for _, q in flat]),
        fractional=True,
    )  # fmt: skip
    shapes = {
        "equity": (n,), "option_value": (n,), "mm": (n,), "im": (n,), "scan": (n,),
        "charge_mm": (n, k), "charge_im": (n, k), "unit_core": (n, u), "unit_credit": (n, u),
        "unit_row": (n, u, j),
    }  # fmt: skip
    out = {name: np.full(int(np.prod(shape)), np.nan) for name, shape in shapes.items()}
    out["unit_worst"] = np.full(n * u, -7, np.int32)
    beside = {"cash": np.full(n, 11.0), "provision_im": np.full(n, 2.0)}
    _preset.PresetHandle(columns, charges).sweep(book, 0, n, threads, beside, out)
    return {name: out[name].reshape(shapes.get(name, (n, u))) for name in out}


@given(data=st.data())
def test_an_account_is_margined_as_the_loops_do(data):
    columns, charges, *rest = data.draw(venues())
    held = data.draw(accounts(columns["n"]))
    found = swept(columns, charges, held)
    reference = Reference(columns, charges, *rest)
    for a, account in enumerate(held):
        expected = reference.standing(account, cash=11.0, provision=(0.0, 2.0))
        size = 1.0 + 100.0 * sum(abs(q) for _, q in account)
        near = {"rtol": 1e-12, "atol": 1e-13 * size * size}
        for name in ("equity", "option_value", "charge_mm", "charge_im", "scan", "mm", "im"):
            if columns["core_quantum"] == 0.0 or name not in ("mm", "im", "scan"):
                np.testing.assert_allclose(found[name][a], expected[name], **near, err_msg=name)
        for u in range(columns["n_units"]):
            row = expected["unit_row"].get(u, np.zeros(columns["n_columns"]))
            np.testing.assert_allclose(found["unit_row"][a, u], row, **near)
            core = expected["unit_core"].get(u, 0.0)
            assert abs(found["unit_core"][a, u] - core) <= near["atol"] + columns["core_quantum"]
            worst = found["unit_worst"][a, u]
            if worst >= 0:
                np.testing.assert_allclose(row[worst], row.min(), **near)
            else:
                assert core <= near["atol"] + columns["core_quantum"]


@given(data=st.data())
def test_a_preset_is_the_same_bits(data):
    columns, charges, *_ = data.draw(venues())
    many = data.draw(accounts(columns["n"])) * data.draw(st.sampled_from([1, 1, 700]))
    expected = None
    for name in _errors.isas():
        _errors.select_isa(name)
        for threads in (1, 3):
            found = swept(columns, charges, many, threads)
            actual = [column.tobytes() for column in found.values()]
            expected = expected or actual
            assert actual == expected, (name, threads)
