# SPDX-License-Identifier: Apache-2.0
"""Accounts margined as a venue margins them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.book import Book
from margin_core.errors import ArgumentError, DomainError, ModelError, NotMarginableError
from margin_core.instruments import Kind
from margin_core.market import Market
from margin_core.table import Table
from margin_core.venues.adapter import Held, ScanColumns, held, scan_columns
from margin_core.venues.columns import Column, group_sums
from margin_core.venues.preset import Preset, load_preset
from margin_core.venues.provisions import read_provisions
from margin_core.venues.scan import engine as scan
from margin_core.venues.scan.preset import ScanPreset
from margin_core.venues.scan.tables import Tables, compile_tables
from margin_core.venues.weights.arithmetic import Arithmetic
from margin_core.venues.weights.engine import Result, evaluate
from margin_core.venues.weights.preset import WeightsPreset
from margin_core.venues.weights.sheet import prepare
from margin_core.venues.weights_adapter import weights_columns

__all__ = ["VenueStanding", "venue_margin"]


@dataclass(frozen=True, eq=False)
class VenueStanding:
    """What every account is worth and must hold under a venue's preset; USD, as float64.

    Attributes
    ----------
    preset : str
    accounts : (n,) object
    equity_usd : (n,) float64
        Everything at its mark; dollar currencies at their prices.
    im_usd, mm_usd : (n,) float64
        Requirement, positive = must hold: what equity must be at least. NaN where the venue has
        no such requirement.
    worst : (n,) object
        The binding scenario of each unit; "" where nothing is scanned.
    parts_usd : dict of (n,) float64
        What maintenance is made of: the scan less its offsets and each charge, before factors; or
        each part of a weighted requirement; and each provision's amount as it was given.
    unverified : tuple of str
        Paths of the preset's tables that nobody has checked against the venue.
    """

    preset: str
    accounts: NDArray[Any]
    equity_usd: Column
    im_usd: Column
    mm_usd: Column
    worst: NDArray[Any]
    parts_usd: Mapping[str, Column]
    unverified: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.accounts)

    def table(self) -> Table:
        """account, equity_usd, im_usd, mm_usd, worst_scenario, and each part, as columns."""
        parts = {f"{name}_usd": column for name, column in self.parts_usd.items()}
        return Table({
            "account": self.accounts, "equity_usd": self.equity_usd, "im_usd": self.im_usd,
            "mm_usd": self.mm_usd, "worst_scenario": self.worst, **parts,
        })  # fmt: skip


def venue_margin(
    book: Book,
    market: Market,
    preset: str | os.PathLike[str] | Preset,
    *,
    open_interest_usd: Mapping[str, float] | None = None,
    provisions: Any = None,
    threads: int = 0,
) -> VenueStanding:
    """Margin every account as a venue's preset does.

    Parameters
    ----------
    book : Book
        Modes, parents and owners have no meaning here; each account stands alone.
    market : Market
    preset : name, path or preset
        `margin-core model` lists them; `load_preset` changes numbers. See docs/venues.
    open_interest_usd : {unit: USD}, optional
        Scales initial rates where the preset says so.
    provisions : columns account, provision, amount_usd; optional
        What the venue adds from outside its model, 0 or more, a table as `Book.from_tables` takes
        them. The preset names them and says how much of each counts in IM and in MM.
    threads : int
        Of a scenario preset's sweep; 0: one per processor. Results do not depend on it.

    Returns
    -------
    VenueStanding
        n accounts, in the book's order; USD. A requirement is positive, a venue's own surplus is
        equity less requirement.

    Raises
    ------
    NotMarginableError
        A position that the preset has no rule for, an inverse option under a linear manager or a
        second underlying under a single-underlying one; `error.row` is the position's. A provision
        that the preset does not name; its row.
    ModelError
        The preset contradicts its schema.
    UnknownInstrumentError, DomainError
        The market lacks an instrument; a number is out of range.

    Notes
    -----
    float64, or whole numbers where a preset counts in them; one account is summed in instrument
    order, so that its result depends neither on the others nor on threads or the processor. Sources
    are in each preset, `docs/venues` says what has been verified.

    Examples
    --------
    >>> from margin_core import Book, Market
    >>> quotes = {"instrument": ["BTC_USDC-PERPETUAL"], "forward_usd": [100_000.0]}
    >>> now, index = 1_767_225_600_000_000_000, {"BTC": 100_000.0, "USDC": 1.0}
    >>> market = Market.from_table(quotes, now=now, index=index)
    >>> book = Book.from_tables({"account": ["a", "a"], "quantity": [2.0, 5e4],
    ...                          "instrument": ["BTC_USDC-PERPETUAL", "USDC"]})
    >>> venue_margin(book, market, "paradex_pm").im_usd
    array([32000.])
    """
    if not hasattr(market, "instruments"):
        raise ArgumentError(f"a Market is needed, not {type(market).__name__}")
    if not hasattr(book, "positions"):
        raise ArgumentError(f"a Book is needed, not {type(book).__name__}")
    loaded = load_preset(preset)
    rows = held(market, book)
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(loaded, ScanPreset):
            found = _by_scan(loaded, book, market, rows, threads)
        else:
            found = _by_weights(loaded, book, market, rows, open_interest_usd or {})
        if provisions is not None:
            found = _with_provisions(found, loaded, provisions)
    bad = ~(np.isfinite(found.equity_usd) & np.isfinite(found.mm_usd))
    if bad.any() and "maint" in getattr(loaded, "health", ("maint",)):
        row = int(np.argmax(bad))
        raise DomainError(f"account {book.accounts[row]!r}: its amounts overflow", row=row)
    return found


def _with_provisions(found: VenueStanding, preset: Preset, source: Any) -> VenueStanding:
    given = read_provisions(source, preset, found.accounts)
    for name in given.parts_usd:
        if name in found.parts_usd:
            raise ModelError(f"{preset.name}: provisions: {name!r} is the name of another part")
    return replace(
        found,
        im_usd=found.im_usd + given.im_usd,
        mm_usd=found.mm_usd + given.mm_usd,
        parts_usd={**found.parts_usd, **given.parts_usd},
    )


def _by_scan(preset: ScanPreset, book: Book, market: Market, rows: Held, threads: int
             ) -> VenueStanding:  # fmt: skip
    if len(book.orders):
        raise NotMarginableError(
            f"{book.orders.origin.at(0)}: {preset.name} has no rule for open orders", row=0
        )
    n = len(book)
    columns = scan_columns(market, rows, preset, n)
    try:
        columns.book.check(preset, columns.instruments)
        _assets_are_known(preset, columns)
    except NotMarginableError as error:
        if error.row is None:
            raise
        words = str(error).partition(": ")[2]
        raise rows.refused(int(columns.source[error.row]), words) from None
    tables = compile_tables(preset, columns.instruments, columns.market)
    try:
        standing = scan.margin(columns.book, tables, threads=threads)
    except DomainError as error:
        if error.row is None:
            raise
        name = book.accounts[columns.account[error.row]]
        raise DomainError(f"account {name!r}: its amounts overflow", row=error.row) from None

    def total(values: Column) -> Column:
        return group_sums(values * columns.usd, columns.account, n)

    parts = {"scan": total(standing.scan)}
    parts |= {name: total(amount[0]) for name, amount in standing.charges.items()}
    return VenueStanding(
        preset=preset.name,
        accounts=book.accounts,
        equity_usd=total(standing.equity) + columns.other_usd,
        im_usd=total(standing.im),
        mm_usd=total(standing.mm),
        worst=_worst_texts(standing, tables, columns.account, n),
        parts_usd=parts,
        unverified=preset.unverified(),
    )


def _assets_are_known(preset: ScanPreset, columns: ScanColumns) -> None:
    """An asset that the preset does not list is the position's fault, not the preset's."""
    instruments = columns.instruments
    for i in np.flatnonzero(instruments.kind == Kind.SPOT):
        name = instruments.names[i]
        try:
            preset.asset(name, instruments.units[instruments.unit[i]])
        except ModelError:
            row = int(np.argmax(columns.book.instrument == i))
            raise NotMarginableError(
                f"position {row}: {preset.name} does not margin {name}: it is no collateral of the "
                "preset's", row=row,
            ) from None  # fmt: skip


def _worst_texts(standing: scan.Standing, tables: Tables, account: Any, n: int) -> NDArray[Any]:
    """(n,) "UNIT: scenario; ..."; each unit's scenario is put in words once."""
    units, width = tables.instruments.units, len(tables.scenarios.names)
    row, unit = np.nonzero(standing.worst >= 0)
    codes, which = np.unique(unit * width + standing.worst[row, unit], return_inverse=True)
    words = []
    for code in codes.tolist():
        text = _scenario_text(tables, code // width, code % width)
        words.append(f"{units[code // width]}: {text}" if len(units) > 1 else text)
    out = np.full(n, "", dtype=object)
    for a, text in zip(account[row].tolist(), which.tolist(), strict=True):
        out[a] = f"{out[a]}; {words[text]}" if out[a] else words[text]
    return out


def _scenario_text(tables: Tables, unit: int, z: int) -> str:
    table = tables.scenarios
    if table.competitor[z] >= 0:
        return tables.preset.competitors[table.competitor[z]].name
    move = 100.0 * table.spot_move[unit, z]
    vol = table.names[z].partition(" ")[2]
    text = f"{move:+.4g} %" if move else "spot 0 %"
    return text if vol == "same" else f"{text}, vol {_vol_text(vol)}"


def _vol_text(rule: str) -> str:
    try:
        return f"{100.0 * float(rule):+.4g} %"
    except ValueError:
        return rule


def _by_weights(
    preset: WeightsPreset,
    book: Book,
    market: Market,
    rows: Held,
    open_interest_usd: Mapping[str, float],
) -> VenueStanding:
    n = len(book)
    columns = weights_columns(market, rows, book, preset, open_interest_usd)
    usd = Arithmetic.of(preset).usd

    def requirement(result: Result) -> Column:
        spare = result.limit * usd(result.collateral) - usd(result.requirement)
        return columns.equity_usd - spare

    found = {health: evaluate(prepare(preset, columns.market, health), columns.book)
             for health in ("init", "maint") if health in preset.health}  # fmt: skip
    nothing = np.full(n, np.nan)
    last = found["maint"] if "maint" in found else found.get("init")
    return VenueStanding(
        preset=preset.name,
        accounts=book.accounts,
        equity_usd=columns.equity_usd,
        im_usd=requirement(found["init"]) if "init" in found else nothing,
        mm_usd=requirement(found["maint"]) if "maint" in found else nothing,
        worst=np.full(n, "", dtype=object),
        parts_usd={k: usd(v) for k, v in last.parts.items()} if last is not None else {},
        unverified=preset.unverified(),
    )
