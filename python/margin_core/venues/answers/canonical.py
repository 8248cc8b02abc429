# SPDX-License-Identifier: Apache-2.0
"""The documented form for anybody's own cases; docs/venues/conform.md describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from margin_core.book import Book
from margin_core.errors import FileError
from margin_core.market import Market
from margin_core.venues.answers.case import Case, Expected, Unread
from margin_core.venues.answers.record import Record
from margin_core.venues.preset import Preset, load_preset
from margin_core.venues.standing import VenueStanding, venue_margin

__all__ = ["FORM", "canonical"]

#: The key that says that a file is of this form, and its version.
FORM, VERSION = "margin_core_cases", 1

_FILE = re.compile(f"{FORM}|about|preset|overrides|tolerance|cases")
_CASE = re.compile("name|now_ns|index_usd|quotes|positions|open_interest_usd|provisions_usd|expect")
_QUOTE = re.compile("instrument|forward_usd|vol|mark_usd|mark_price|rate|contract_size|step")
_POSITION = re.compile("instrument|quantity|entry_price")
_TEXT = ("instrument",)

#: What may be expected, in USD; `part.NAME` is a part of the maintenance requirement.
_AMOUNTS: dict[str, Callable[[VenueStanding], Any]] = {
    "im_usd": lambda s: s.im_usd[0],
    "mm_usd": lambda s: s.mm_usd[0],
    "equity_usd": lambda s: s.equity_usd[0],
    "surplus_im_usd": lambda s: s.equity_usd[0] - s.im_usd[0],
    "surplus_mm_usd": lambda s: s.equity_usd[0] - s.mm_usd[0],
}


def canonical(data: Record, _: str) -> Iterator[Unread]:
    """Cases of one preset, each with its market, one account and what the venue got."""
    data.only(_FILE)
    if data[FORM] != VERSION:
        raise FileError(f"{data.where}: {FORM}: this is version {VERSION}")
    preset, tolerance = data.text("preset"), float(data["tolerance"])
    if not 0.0 <= tolerance < 1.0:
        raise FileError(f"{data.where}: tolerance: must be from 0 to 1")
    if "overrides" in data:
        data.record("overrides")  # an object, whatever is in it
    loaded = load_preset(preset, data.raw("overrides") if "overrides" in data else None)
    for i, read in enumerate(data.each("cases")):
        yield Unread(f"cases.{i}", partial(_case, read, loaded, preset, tolerance))


def _case(read: Callable[[], Record], loaded: Preset, preset: str, tolerance: float) -> Case:
    case = read()
    case.only(_CASE)
    expected = list(_expected(case, tolerance))
    return Case(case.text("name"), preset, _solver(case, loaded), expected)


def _solver(case: Record, preset: Preset) -> Callable[[], VenueStanding]:
    index = case.record("index_usd")
    quotes = _columns(case, "quotes", _QUOTE)
    positions = _columns(case, "positions", _POSITION)
    positions["account"] = ["account"] * len(positions["instrument"])
    interest = _amounts_of(case, "open_interest_usd")
    outside = _amounts_of(case, "provisions_usd")
    provisions = {"account": ["account"] * len(outside), "provision": list(outside),
                  "amount_usd": list(outside.values())}  # fmt: skip

    def solve() -> VenueStanding:
        market = Market.from_table(
            quotes, now=int(case["now_ns"]), index={unit: index[unit] for unit in index},
            name=f"{case.where}.quotes",
        )  # fmt: skip
        book = Book.from_tables(positions, name=f"{case.where}.positions")
        given = provisions if outside else None
        return venue_margin(book, market, preset, open_interest_usd=interest, provisions=given)

    return solve


def _amounts_of(case: Record, key: str) -> dict[str, float]:
    """An object of numbers; empty where there is none."""
    found = case.record(key) if key in case else None
    return {name: found[name] for name in found} if found else {}


def _columns(case: Record, key: str, known: re.Pattern[str]) -> dict[str, list[Any]]:
    """A list of objects as columns; what an object lacks is NaN."""
    rows = case.records(key)
    for row in rows:
        row.only(known)
    names = dict.fromkeys(["instrument", *(name for row in rows for name in row)])
    return {
        name: [
            row.text(name) if name in _TEXT else row[name] if name in row else float("nan")
            for row in rows
        ]
        for name in names
    }


def _expected(case: Record, tolerance: float) -> Iterator[Expected]:
    wanted = case.record("expect")
    for name in wanted:
        if name in _AMOUNTS:
            yield Expected(name, wanted[name], _AMOUNTS[name], tolerance)
        elif name.startswith("part."):
            yield Expected(name, wanted[name], _part(wanted, name[5:]), tolerance)
        else:
            known = ", ".join([*_AMOUNTS, "part.NAME"])
            raise FileError(f"{wanted.where}: {name}: unknown; there are {known}")


def _part(wanted: Record, name: str) -> Callable[[VenueStanding], Any]:
    def read(standing: VenueStanding) -> Any:
        if name not in standing.parts_usd:
            there = ", ".join(standing.parts_usd)
            raise FileError(f"{wanted.where}: part.{name}: no such part; there are {there}")
        return standing.parts_usd[name][0]

    return read
