# SPDX-License-Identifier: Apache-2.0
"""Margin by scenarios, from tables and accounts to requirements; a venue is a preset.

    expand     preset, units           -> Scenarios   moves, volatility rules, weights
    price      scenarios, market       -> Cells       shocked value of 1.0 of every instrument
    compile    preset, cells, market   -> Tables      columns, no names
    core       tables                  -> CoreColumns as the C core reads them
    sweep      columns, book           -> Standing    rows, worst, charges, credits, requirements

Left of `compile` nobody knows accounts, right of it nobody knows volatility or a venue.
Requirement positive = must hold; P&L positive = gain; money in the preset's numeraire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core._binding._margin import BookHandle
from margin_core._binding._preset import PresetHandle
from margin_core.isa import as_threads
from margin_core.venues.columns import Column
from margin_core.venues.scan.columns import Book
from margin_core.venues.scan.core import core_columns
from margin_core.venues.scan.tables import Tables

__all__ = ["Prepared", "Standing", "margin"]


@dataclass(frozen=True)
class Standing:
    """What every account must hold, and why; money in the numeraire.

    equity, im, mm, option_value : (A,)
    reported_im, reported_mm : (A,) in the venue's own sign
    scan : (A,) the worst losses less what units set off
    charges : by name (2, A) MM and IM, before factors
    worst : (A, U) column that binds; -1 where nothing is lost
    core, credit : (A, U) worst loss, relief; row : (A, U, J) P&L in every column; of no accounts
        unless asked for
    """

    equity: Column
    im: Column
    mm: Column
    option_value: Column
    reported_im: Column
    reported_mm: Column
    scan: Column
    charges: dict[str, Column]
    worst: NDArray[np.int32]
    core: Column
    credit: Column
    row: Column


class Prepared:
    """A book under a preset's tables, checked and laid out: swept as often as one likes."""

    def __init__(self, book: Book, tables: Tables) -> None:
        """
        Raises
        ------
        NotMarginableError
            A position that the preset has no rule for; `error.row` is its.
        """
        book.check(tables.preset, tables.instruments)
        core = core_columns(tables, effective_factors(tables))
        self.tables = tables
        self.accounts = len(book.cash)
        self.charge_names = core.charge_names
        self.preset = PresetHandle(core.columns, core.charges)
        self.beside = {"cash": book.cash, "provision_mm": book.provision_mm,
                       "provision_im": book.provision_im}  # fmt: skip
        self.book = BookHandle(
            n_instruments=len(tables.instruments.names), offset=book.start,
            instrument=book.instrument.astype(np.int32), lots=book.quantity, fractional=True,
        ) if self.accounts else None  # fmt: skip

    def fill(self, out: dict[str, NDArray[Any]], threads: int) -> None:
        """The columns of mc_preset_standing that `out` has."""
        if self.book is not None:
            self.preset.sweep(self.book, 0, self.accounts, as_threads(threads), self.beside, out)

    def standing(self, *, rows: bool = False, threads: int = 0) -> Standing:
        """Every account; `rows`: with what each unit gains in every column.

        Raises
        ------
        DomainError
            Amounts that overflow; `error.row` is the account.
        """
        tables = self.tables
        a, u, j = self.accounts, len(tables.instruments.units), len(tables.scenarios.names)
        k = len(self.charge_names)
        out: dict[str, Any] = {
            name: np.empty(a) for name in ("equity", "option_value", "mm", "im", "scan")
        }
        out |= {"charge_mm": np.empty(a * k), "charge_im": np.empty(a * k)}
        out["unit_worst"] = np.empty(a * u, dtype=np.int32)
        audited = a if rows else 0
        by_unit = {
            "unit_core": np.empty((audited, u)), "unit_credit": np.empty((audited, u)),
            "unit_row": np.empty((audited, u, j)),
        }  # fmt: skip
        if rows:
            out |= {name: column.reshape(-1) for name, column in by_unit.items()}
        self.fill(out, threads)

        charges: dict[str, Column] = {}
        both = np.stack([out["charge_mm"].reshape(a, k), out["charge_im"].reshape(a, k)])
        for number, name in enumerate(self.charge_names):
            charges[name] = charges.get(name, 0.0) + both[:, :, number]
        equity, options, im, mm = (out[name] for name in ("equity", "option_value", "im", "mm"))
        own = {
            "requirement": (im, mm),
            "surplus": (equity - im, equity - mm),
            "less_options": (im - options, mm - options),
        }[tables.preset.report]
        return Standing(
            equity, im, mm, options, *own, out["scan"], charges, out["unit_worst"].reshape(a, u),
            core=by_unit["unit_core"], credit=by_unit["unit_credit"], row=by_unit["unit_row"],
        )  # fmt: skip


def margin(book: Book, tables: Tables, *, rows: bool = False, threads: int = 0) -> Standing:
    """The standing of every account; see `Prepared`."""
    return Prepared(book, tables).standing(rows=rows, threads=threads)


def effective_factors(tables: Tables) -> tuple[float, float]:
    """(mm, im); im rises below the peg."""
    factors = tables.preset.factors
    depeg = max(0.0, factors.peg_threshold - tables.stable_usd)
    return factors.mm, factors.im + depeg * factors.peg_slope
