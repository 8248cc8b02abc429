# SPDX-License-Identifier: Apache-2.0
"""The hot part: positions x cells -> the rule of each term -> one row of P&L a unit -> worst."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from margin_core.venues.columns import Column, Index, segment_starts, sums
from margin_core.venues.scan.columns import Book, UnitRows
from margin_core.venues.scan.tables import Tables

__all__ = ["net_rows", "scan", "worst"]


#: Positions netted at a time: their cells fit the cache of a core or two.
CHUNK = 16_384


def scan(book: Book, tables: Tables, rows: UnitRows) -> Column:
    """(R, S + C) P&L of every unit row: the scan columns, then the competitors."""
    table, instruments = tables.scenarios, tables.instruments
    segment = segment_starts(book.account, instruments.term[book.instrument])
    out = np.empty((len(rows.start), table.n_scan + len(tables.compete_rate)))
    ends = np.append(rows.start, len(book.instrument))
    first = 0
    while first < len(rows.start):
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + CHUNK, side="right")) - 1)
        begin, end = ends[first], ends[last]
        own = segment[np.searchsorted(segment, begin) : np.searchsorted(segment, end)] - begin
        out[first:last] = net_rows(
            book.instrument[begin:end], book.quantity[begin:end], own,
            np.searchsorted(own, rows.start[first:last] - begin),
            tables.cells.value, tables.cells.base, instruments.unit, instruments.term,
            tables.weight, tables.value_long, tables.value_short, table.fold, table.competitor,
            tables.compete_rate,
        )  # fmt: skip
        first = last
    out[:, : table.n_scan] = _after(out[:, : table.n_scan], tables, rows.unit)
    return out


def net_rows(
    instrument: Index,
    quantity: Column,
    segment: Index,
    of_unit: Index,
    value: Column,
    base: Column,
    unit: Index,
    term: Index,
    weight: Column,
    long: Column,
    short: Column,
    fold: NDArray[np.bool_],
    competitor: Index,
    rate: Column,
) -> Column:
    """Sums of positions by term, each by its term's rule, summed by unit.

    Per term, with V the summed shocked value and V0 the summed value now:
        pnl[z] = weight[z] ((V >= 0 ? long : short) V - V0);  fold: -|pnl[z]|
        competitor c: rate[c] min(0, min over its columns of V - V0)

    Parameters
    ----------
    instrument, quantity : (P,) positions, rising within an account
    segment : (K,) first position of each term of each account
    of_unit : (R,) first segment of each unit row
    value : (n, J) shocked value of 1.0, S scan columns and then the competitors'
    base : (n,) value now
    unit, term : (n,) of each instrument
    weight : (U, J); long, short : (T,) factors on a term's value by its sign
    fold : (J,) bool; competitor : (J,) which competitor a column belongs to, -1 none
    rate : (C, T)

    Returns
    -------
    (R, S + C) float64
    """
    s = int((competitor < 0).sum())
    total = sums(quantity[:, None] * value[instrument], segment)
    now = sums(quantity * base[instrument], segment)[:, None]
    held = instrument[segment]
    unit, term = unit[held], term[held]

    seen = total[:, :s]
    factor = np.where(seen >= 0.0, long[term, None], short[term, None])
    pnl = weight[unit][:, :s] * (factor * seen - now)
    pnl = np.where(fold[:s], -np.abs(pnl), pnl)
    against = [
        np.minimum(0.0, (total[:, competitor == c] - now).min(axis=1)) * of_term[term]
        for c, of_term in enumerate(rate)
    ]
    return sums(np.column_stack([pnl, *against]), of_unit)


def _after(row: Column, tables: Tables, unit: Index) -> Column:
    """Losses less the dampener, gains times the offset up to the cap."""
    loss = np.minimum(0.0, row + tables.dampener[unit])
    gain = np.minimum(tables.gain_cap[unit][:, None], tables.gain_offset[unit][:, None] * row)
    return np.where(row < 0.0, loss, gain)


def worst(rows: Column) -> tuple[Column, Index]:
    """(R,) loss in the worst column, at least 0, and which column that is."""
    z = np.argmin(rows, axis=1)
    return np.maximum(0.0, -rows[np.arange(len(rows)), z]), z
