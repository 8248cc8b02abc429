# SPDX-License-Identifier: Apache-2.0
"""How the units of one account set off against each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from margin_core.venues.columns import Column, Index, segment_starts, sums
from margin_core.venues.scan.columns import Book, UnitRows
from margin_core.venues.scan.rows import worst
from margin_core.venues.scan.tables import Tables

__all__ = ["combine"]


def combine(book: Book, tables: Tables, rows: UnitRows, row: Column, core: Column) -> Column:
    """(R,) What each unit's core is relieved of; never more than the core itself."""
    rule = tables.preset.combination
    credit = np.zeros_like(core)
    if rule.kind == "sum" or len(core) == 0:
        return credit
    if rule.kind == "credits":
        return np.minimum(core, _credits(book, tables, rows, row, core))
    first = segment_starts(rows.account)
    alone = sums(core, first)
    if rule.kind == "joint":
        together, _ = worst(sums(row, first))
        saved = rule.lambda_frac * (alone - together)
    else:
        runs = zip(first, np.append(first[1:], len(core)), strict=True)
        saved = alone - np.array([_correlated(tables, rows.unit[a:b], core[a:b]) for a, b in runs])
    share = np.divide(saved, alone, out=np.zeros_like(alone), where=alone > 0.0)
    return core * share[np.searchsorted(first, np.arange(len(core)), side="right") - 1]


def _correlated(tables: Tables, unit: Index, core: Column) -> float:
    """sqrt(c' rho c) of one account; unlisted pairs do not diversify (rho 1)."""
    names = [tables.instruments.units[u] for u in unit]
    listed = {frozenset((a, b)): rho for a, b, rho in tables.preset.combination.correlation}
    rho = np.array([[1.0 if a == b else listed.get(frozenset((a, b)), 1.0) for b in names]
                    for a in names])  # fmt: skip
    return float(np.sqrt(max(0.0, core @ rho @ core)))


def _credits(book: Book, tables: Tables, rows: UnitRows, row: Column, core: Column) -> Column:
    """Spreads of offsetting net deltas, by the table's order; each delta is used once.

    A unit's price risk is its loss in the worst column, averaged over that move's volatilities,
    less the same at no move; per delta, it is what a spread's credit is a part of.
    """
    held = book.instrument
    delta = sums(book.quantity * tables.cells.delta[held], rows.start)
    risk = _price_risk(tables, rows, row)
    per_delta = np.divide(risk, np.abs(delta), out=np.zeros_like(risk), where=delta != 0.0)
    left, credit = delta.copy(), np.zeros_like(core)
    at = {(int(a), tables.instruments.units[u]): r
          for r, (a, u) in enumerate(zip(rows.account, rows.unit, strict=True))}  # fmt: skip
    for rule in tables.preset.combination.credits:
        for account in np.unique(rows.account):
            names = [(int(account), leg.unit) for leg in rule.legs]
            if not all(name in at for name in names):
                continue
            found = [(at[name], leg) for name, leg in zip(names, rule.legs, strict=True)]
            for flip in (1.0, -1.0):
                spreads = min(max(0.0, flip * leg.side * left[r]) / leg.ratio for r, leg in found)
                for r, leg in found:
                    left[r] -= flip * leg.side * leg.ratio * spreads
                    credit[r] += rule.credit_frac * spreads * leg.ratio * per_delta[r]
    return credit


def _price_risk(tables: Tables, rows: UnitRows, row: Column) -> Column:
    """(R,) Loss at the worst column's move beyond that of time, volatility averaged out."""
    s = tables.scenarios.n_scan
    move, z = tables.scenarios.spot_move[rows.unit], np.argmin(row[:, :s], axis=1)
    at = move[np.arange(len(z)), z][:, None]
    moved, still = move[:, :s] == at, move[:, :s] == 0.0

    def mean(where: NDArray[np.bool_]) -> Column:
        return (row[:, :s] * where).sum(axis=1) / np.maximum(1, where.sum(axis=1))

    return np.maximum(0.0, mean(still) - mean(moved))
