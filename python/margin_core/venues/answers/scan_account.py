# SPDX-License-Identifier: Apache-2.0
"""One account under the scan engine: collected position by position, and read when it is solved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from margin_core.instruments import Kind
from margin_core.venues.answers.case import Case, Expected
from margin_core.venues.preset import load_preset
from margin_core.venues.scan.cells import Cells
from margin_core.venues.scan.columns import Book, Instruments, Market
from margin_core.venues.scan.engine import Standing, margin
from margin_core.venues.scan.preset import ScanPreset
from margin_core.venues.scan.tables import Tables, compile_tables
from margin_core.venues.sourced import Provision

__all__ = ["Account", "Solved", "scan_case"]


class Solved(NamedTuple):
    """The engine's answer to one account, and what went in."""

    standing: Standing
    tables: Tables
    market: Market
    book: Book


@dataclass
class Account:
    """Collects one account's positions and their market, and sorts them as the engine wants."""

    units: dict[str, tuple[float, float]]  #: name -> index, confidence
    cash: float = 0.0
    provision_im: float = 0.0
    provision_mm: float = 0.0
    stable_usd: float = 1.0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def hold(self, name: str, kind: Kind, quantity: float, forward: float, **columns: Any) -> None:
        """A position; columns: unit, years, strike, fixed, vol, rate, confidence, ..."""
        plain = {"unit": next(iter(self.units)), "years": 0.0, "strike": 0.0, "fixed": 0.0,
                 "vol": 0.0, "rate": 0.0, "confidence": 1.0, "term_confidence": 1.0,
                 "size": 1.0, "inverse": False, "cells": None, "delta": 0.0}  # fmt: skip
        unknown = set(columns) - set(plain)
        if unknown:
            raise TypeError(f"hold: no column {sorted(unknown)[0]!r}")
        self.rows.append(plain | columns | {"name": name, "kind": kind, "quantity": quantity,
                                            "forward": forward})  # fmt: skip

    def provide(self, rule: Provision, amount: float) -> None:
        """An amount from outside the model."""
        self.provision_im += rule.im * amount
        self.provision_mm += rule.mm * amount

    def build(self) -> tuple[Instruments, Market, Book, Cells | None]:
        """Columns; positions in one instrument are added up."""
        units = tuple(self.units)

        def term(row: dict[str, Any]) -> tuple[Any, ...]:
            return units.index(row["unit"]), min(row["kind"], Kind.FUTURE), row["years"]

        def order(row: dict[str, Any]) -> tuple[Any, ...]:
            return *term(row), row["strike"], row["kind"], row["name"]

        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in sorted(self.rows, key=order):
            if order(row) in found:
                found[order(row)]["quantity"] += row["quantity"]
            else:
                found[order(row)] = dict(row)
        rows = list(found.values())
        terms = sorted({term(row) for row in rows})
        number = {key: t for t, key in enumerate(terms)}
        at = [number[term(row)] for row in rows]

        def column(name: str) -> Any:
            return np.array([row[name] for row in rows], dtype=np.float64)

        def by_term(name: str, reduce: Callable[..., float]) -> Any:
            return np.array([reduce(row[name] for row, t in zip(rows, at, strict=True) if t == k)
                             for k in range(len(terms))], dtype=np.float64)  # fmt: skip

        instruments = Instruments(
            names=tuple(row["name"] for row in rows),
            units=units,
            unit=np.array([units.index(row["unit"]) for row in rows], dtype=np.int64),
            term=np.array(at, dtype=np.int64),
            kind=np.array([row["kind"] for row in rows], dtype=np.int64),
            strike=column("strike"),
            size=column("size"),
            inverse=np.array([row["inverse"] for row in rows], dtype=bool),
        )
        market = Market(
            index=np.array([index for index, _ in self.units.values()]),
            index_confidence=np.array([confidence for _, confidence in self.units.values()]),
            years=np.array([key[2] for key in terms], dtype=np.float64),
            rate=by_term("rate", max),
            term_confidence=by_term("term_confidence", min),
            forward=column("forward"),
            forward_fixed=column("fixed"),
            vol=column("vol"),
            confidence=column("confidence"),
            stable_usd=self.stable_usd,
        )
        book = Book(
            start=np.array([0, len(rows)]),
            instrument=np.arange(len(rows)),
            quantity=column("quantity"),
            cash=np.array([self.cash], dtype=np.float64),
            provision_im=np.array([self.provision_im], dtype=np.float64),
            provision_mm=np.array([self.provision_mm], dtype=np.float64),
        )
        adopted = rows and all(row["cells"] is not None for row in rows)
        cells = Cells.adopt([row["cells"] for row in rows], column("delta")) if adopted else None
        return instruments, market, book, cells


def scan_case(name: str, preset: str, overrides: dict[str, Any], account: Account,
              expected: list[Expected]) -> Case:  # fmt: skip
    """A case of one account under a preset of the scan engine."""

    def solve() -> Solved:
        loaded = load_preset(preset, overrides)
        assert isinstance(loaded, ScanPreset)
        instruments, market, book, cells = account.build()
        tables = compile_tables(loaded, instruments, market, cells)
        return Solved(margin(book, tables, rows=True), tables, market, book)

    return Case(name, preset, solve, expected)


def reported_im(answer: Solved) -> float:
    return float(answer.standing.reported_im[0])


def reported_mm(answer: Solved) -> float:
    return float(answer.standing.reported_mm[0])


def equity(answer: Solved) -> float:
    return float(answer.standing.equity[0])


def scan_loss(answer: Solved) -> float:
    """The worst loss, before it is rounded."""
    return _loss(answer.standing.row)


def _loss(row: Any) -> float:
    """The least of (1, U, J) by unit, added up."""
    return float(np.maximum(0.0, -row.min(axis=2)).sum())


def cell(column: int) -> Callable[[Solved], float]:
    """A cell of the account's unit row; a competitor's is in each of its columns."""
    return lambda answer: float(answer.standing.row[..., column].sum())


def charge(*names: str, im: bool = False) -> Callable[[Solved], float]:
    return lambda answer: float(sum(answer.standing.charges[n][int(im)].sum() for n in names))


def label_loss(label: str) -> Callable[[Solved], float]:
    """The worst loss among the columns of one family."""

    def read(answer: Solved) -> float:
        at = [z for z, name in enumerate(answer.tables.scenarios.labels) if name == label]
        return _loss(answer.standing.row[..., at])

    return read


def gross_value(answer: Solved) -> float:
    """sum |quantity| price of the book, discount and size included: what roundings add up from."""
    tables, market, book = answer.tables, answer.market, answer.book
    option = tables.instruments.is_option
    price = np.where(option, tables.cells.mark, market.forward * tables.instruments.size)
    return float(np.abs(book.quantity) @ np.abs(price[book.instrument]))
