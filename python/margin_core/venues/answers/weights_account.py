# SPDX-License-Identifier: Apache-2.0
"""One account under the weights engine: a case from plain dicts, and what is read of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from margin_core.venues.answers.case import Case, Expected
from margin_core.venues.preset import load_preset
from margin_core.venues.weights.arithmetic import Arithmetic
from margin_core.venues.weights.columns import Book, Kind, Market
from margin_core.venues.weights.engine import Result, evaluate
from margin_core.venues.weights.preset import WeightsPreset
from margin_core.venues.weights.sheet import prepare

__all__ = ["Key", "Solved", "weights_case"]

#: Health type, what is measured, of what.
Key = tuple[str, str, str]


class Solved(NamedTuple):
    """The engine's answer by health type, and what went in."""

    results: Mapping[str, Result]
    market: Market
    book: Book


def weights_case(
    name: str, preset: str, overrides: dict[str, Any], rows: list[Any], account: Any,
    expected: Mapping[Key, Any], tolerance: float, stable: float = 1,
) -> Case:  # fmt: skip
    """A case of one account; amounts below 1 are compared absolutely."""

    def solve() -> Solved:
        loaded = load_preset(preset, overrides)
        assert isinstance(loaded, WeightsPreset)
        arithmetic = Arithmetic.of(loaded)
        market = Market.of(arithmetic, rows, stable)
        book = Book.of(arithmetic, market, [account])
        wanted = dict.fromkeys(health for health, *_ in expected)
        results = {h: evaluate(prepare(loaded, market, h), book) for h in wanted}
        return Solved(results, market, book)

    def number(key: Key, value: Any) -> Expected:
        label = ".".join(filter(None, key))
        return Expected(label, value, lambda answer: measure(answer, *key), tolerance, scale=1.0)

    return Case(name, preset, solve, [number(key, value) for key, value in expected.items()])


def measure(answer: Solved, health: str, what: str, name: str) -> Any:
    """The engine's number for one quantity of a case's only account.

    health, ratio : of the account
    part          : requirement of one part
    weight, pnl_weight : of the holding named
    balances      : weighted value of all balances but the token named
    mtm           : value at market of everything but the token named
    pnl           : of all positions
    options, isolated, max_loss : requirement of the unit named, summed over its expiries
    """
    result = answer.results[health]
    if what in ("health", "ratio"):
        return getattr(result, what)[0]
    if what == "part":
        return result.parts[name][0]
    market, book, rows = answer.market, answer.book, result.rows
    held = np.array([market.names[i] == name for i in book.instrument])
    if what in ("weight", "pnl_weight"):
        return getattr(rows, what)[held][0]
    if what == "balances":
        return rows.value[~held].sum()
    if what == "pnl":
        return rows.pnl.sum()
    if what == "mtm":
        return np.where(held, 0.0, mark_to_market(answer)).sum() + rows.pnl.sum()
    expiries = result.expiries
    of_unit = [market.unit[int(np.argmax(market.expiry == e))] == name for e in expiries.expiry]
    column = expiries.requirement if what == "options" else getattr(expiries, what)
    return column[np.array(of_unit, dtype=bool)].sum()


def mark_to_market(answer: Solved) -> Any:
    """Options at their mark, balances at their price, (R,)."""
    i, market = answer.book.instrument, answer.market
    price = np.where(market.kind >= Kind.CALL, market.mark, market.price[:, 0])
    price = np.where(market.kind == Kind.POSITION, 0.0, price)
    return answer.book.quantity * price[i]
