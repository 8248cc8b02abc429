# SPDX-License-Identifier: Apache-2.0
"""Margin by scenarios, from tables and accounts to requirements; a venue is a preset.

    expand     preset, units           -> Scenarios   moves, volatility rules, weights
    price      scenarios, market       -> Cells       shocked value of 1.0 of every instrument
    compile    preset, cells, market   -> Tables      columns, no names
    scan       book, tables            -> rows        positions x cells -> expiry rule -> unit rows
    worst      rows                    -> core        loss in the worst row
    charge     book, tables            -> charges     amounts beside the scan
    combine    rows, core              -> credit      what units set off
    require    all of it               -> Standing    floors, factors, sums

Left of `compile` nobody knows accounts, right of it nobody knows volatility or a venue.
Requirement positive = must hold; P&L positive = gain; money in the preset's numeraire.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from margin_core.venues.columns import Column, Index, group_sums
from margin_core.venues.scan.charges import charge
from margin_core.venues.scan.columns import Book, UnitRows
from margin_core.venues.scan.combine import combine
from margin_core.venues.scan.rows import scan, worst
from margin_core.venues.scan.tables import Tables

__all__ = ["Standing", "margin"]


@dataclass(frozen=True)
class Standing:
    """What every account must hold, and why; money in the numeraire.

    equity, im, mm, option_value : (A,)
    reported_im, reported_mm : (A,) in the venue's own sign
    row : (R, S + C) P&L of each unit row; core, worst, credit : (R,) its worst, which, relief
    charges : by name (2, R) MM and IM
    """

    equity: Column
    im: Column
    mm: Column
    option_value: Column
    reported_im: Column
    reported_mm: Column
    rows: UnitRows
    row: Column
    core: Column
    worst: Index
    credit: Column
    charges: dict[str, Column]


def margin(book: Book, tables: Tables) -> Standing:
    """The standing of every account.

    core   = max(worst - credit, sum of core floors)
    unit   = max(core + sum of inside charges, sum of unit floors)
    IM, MM = factor sum over units + outside charges + provisions
    """
    book.check(tables.preset, tables.instruments)
    rows = UnitRows.of(book, tables.instruments)
    row = scan(book, tables, rows)
    core, z = worst(row)
    core = rounded(core, tables.preset.pricing.core_quantum)
    credit = combine(book, tables, rows, row, core)
    charges, by_role = charge(book, tables, rows)

    unit = np.maximum(core - credit, by_role["core_floor"]) + by_role["inside"]
    unit = np.maximum(unit, by_role["unit_floor"])
    provision, n = (book.provision_mm, book.provision_im), len(book.cash)
    mm, im = (
        factor * group_sums(unit[k], rows.account, n)
        + group_sums(by_role["outside"][k], rows.account, n)
        + provision[k]
        for k, factor in enumerate(effective_factors(tables))
    )
    equity, options = worth(book, tables)
    own = {
        "requirement": (im, mm),
        "surplus": (equity - im, equity - mm),
        "less_options": (im - options, mm - options),
    }[tables.preset.report]
    return Standing(equity, im, mm, options, *own, rows, row, core, z, credit, charges)


def rounded(amount: Column, quantum: float | None) -> Column:
    """To the nearest multiple of the quantum."""
    return amount if quantum is None else np.rint(amount / quantum) * quantum


def worth(book: Book, tables: Tables) -> tuple[Column, Column]:
    """(A,) equity, and the part of it that is options."""
    value = book.quantity * tables.cells.mark[book.instrument]
    option = np.where(tables.instruments.is_option[book.instrument], value, 0.0)
    n = len(book.cash)
    return group_sums(value, book.account, n) + book.cash, group_sums(option, book.account, n)


def effective_factors(tables: Tables) -> tuple[float, float]:
    """(mm, im); im rises below the peg."""
    factors = tables.preset.factors
    depeg = max(0.0, factors.peg_threshold - tables.stable_usd)
    return factors.mm, factors.im + depeg * factors.peg_slope
