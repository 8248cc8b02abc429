# SPDX-License-Identifier: Apache-2.0
"""What the scan engine reads: instruments, a market and accounts as plain columns.

Sizes: n instruments, U units, T terms, A accounts, P positions, R unit rows (one per account and
unit held). Quantity positive = long; money in the numeraire, prices in USD; volatility an
annualised fraction; time in the preset's years; rates continuous.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from margin_core.errors import NotMarginableError
from margin_core.instruments import Kind
from margin_core.venues.columns import Column, Index, segment_starts
from margin_core.venues.scan.preset import ScanPreset

__all__ = ["Book", "Instruments", "Market", "UnitRows"]

#: What a preset calls the kinds.
KINDS = {
    "asset": (Kind.SPOT,),
    "perpetual": (Kind.PERPETUAL,),
    "future": (Kind.FUTURE,),
    "option": (Kind.CALL, Kind.PUT),
}


@dataclass(frozen=True)
class Instruments:
    """Terms, sorted by unit, term, strike and kind; a term is one expiry, perpetual or asset class.

    names : n of str
    units : U of str
    unit, term, kind : (n,) int64
    strike, size : (n,) float64; size is units of underlying (inverse future: USD) per 1.0
    inverse : (n,) bool; settled in the underlying
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    unit: Index
    term: Index
    kind: Index
    strike: Column
    size: Column
    inverse: NDArray[np.bool_]

    @property
    def is_option(self) -> NDArray[np.bool_]:
        return self.kind >= Kind.CALL

    @property
    def pair(self) -> Index:
        """(n,) Number of each call/put pair; anything else is a pair of its own."""
        option = self.is_option
        same = (self.term[1:] == self.term[:-1]) & (self.strike[1:] == self.strike[:-1])
        same &= option[1:] & option[:-1]
        return np.concatenate([[0], np.cumsum(~same)]) if len(option) else self.term

    def of_kinds(self, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
        """(n,) Which instruments a preset means by these kinds."""
        return np.isin(self.kind, [kind for name in kinds for kind in KINDS[name]])


@dataclass(frozen=True)
class Market:
    """Prices of one instant.

    index, index_confidence : (U,) USD; confidence in [0, 1], 1 is certain
    years, rate, term_confidence : (T,); years 0 where nothing expires
    forward, forward_fixed : (n,) USD; the part that moves and the part already settled
    vol : (n,)
    confidence : (n,) of the instrument's own feed
    stable_usd : price of the settlement currency; assets are counted in it
    """

    index: Column
    index_confidence: Column
    years: Column
    rate: Column
    term_confidence: Column
    forward: Column
    forward_fixed: Column
    vol: Column
    confidence: Column
    stable_usd: float = 1.0


@dataclass(frozen=True)
class Book:
    """Accounts in CSR form: positions start[a] to start[a + 1] are account a's.

    start : (A + 1,) int64
    instrument : (P,) int64, rising within an account, no duplicates
    quantity : (P,) float64
    cash : (A,) numeraire; settled and unrealised P&L of futures included
    provision_im, provision_mm : (A,) requirements that a venue adds from outside its model
    """

    start: Index
    instrument: Index
    quantity: Column
    cash: Column
    provision_im: Column
    provision_mm: Column

    @property
    def account(self) -> Index:
        """(P,) The account of every position."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def check(self, preset: ScanPreset, instruments: Instruments) -> None:
        """Refuse what the preset cannot margin, with the position's row."""
        rules, at, account = preset.book, self.instrument, self.account
        inverse, derivative = instruments.inverse[at], instruments.kind[at] != Kind.SPOT
        unit = instruments.unit[at]
        second = np.zeros(len(at), dtype=bool)
        second[1:] = (unit[1:] != unit[:-1]) & (account[1:] == account[:-1])
        for bad, why in (
            (~instruments.of_kinds(rules.kinds)[at], "it has no rule for such a kind"),
            (inverse & derivative & (rules.contracts == "linear"), "it is inverse"),
            (~inverse & derivative & (rules.contracts == "inverse"), "it is linear"),
            (second & rules.single_unit, "it is of a second underlying"),
        ):
            if bad.any():
                row = int(np.argmax(bad))
                name = instruments.names[at[row]]
                raise NotMarginableError(
                    f"position {row}: {preset.name} does not margin {name}: {why}", row=row
                )


@dataclass(frozen=True)
class UnitRows:
    """One row per account and unit held.

    start : (R,) first position; account, unit : (R,)
    """

    start: Index
    account: Index
    unit: Index

    @classmethod
    def of(cls, book: Book, instruments: Instruments) -> UnitRows:
        start = segment_starts(book.account, instruments.unit[book.instrument])
        return cls(start, book.account[start], instruments.unit[book.instrument[start]])
