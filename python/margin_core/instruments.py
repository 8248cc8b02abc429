# SPDX-License-Identifier: Apache-2.0
"""What is traded: the terms of every instrument, one column a term."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.errors import (
    ArgumentError,
    DomainError,
    FileError,
    NotFiniteError,
    RowOrderError,
    UnknownInstrumentError,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from margin_core.table import Table

__all__ = ["Instruments", "Kind", "Terms", "parse_name"]


class Kind(IntEnum):
    """What an instrument is; the numbers are part of the file format."""

    SPOT = 0
    PERPETUAL = 1
    FUTURE = 2
    CALL = 3
    PUT = 4


#: Currencies in which linear contracts settle and which count as one dollar unless priced.
DOLLARS = frozenset({"USD", "USDC", "USDT", "USDE", "DAI", "FDUSD", "PYUSD", "RLUSD"})

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MAX_NAME = 48

# Deribit: expiry is 08:00 UTC. Source: docs.deribit.com, "Naming"; accessed 2026-11-22.
EXPIRY_HOUR = 8
_EPOCH = date(1970, 1, 1).toordinal()

_CURRENCY = re.compile(r"(?=[A-Z0-9]*[A-Z])[A-Z0-9]{1,12}")
_EXPIRY = re.compile(r"([1-9][0-9]?)([A-Z]{3})([0-9]{2})")
_STRIKE = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:d[0-9]{0,11}[1-9])?")
_UNIFIED = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+):([A-Z0-9]+)(?:-([0-9]{6})(?:-([0-9.]+)-([CP]))?)?")


class Terms(NamedTuple):
    """What a name says about its instrument."""

    name: str
    unit: str
    kind: Kind
    expiry_ns: int
    strike: float
    inverse: bool
    settlement: str


def parse_name(name: str) -> Terms:
    """Read an instrument's terms from its name.

    Deribit's names are the canonical ones; ccxt's unified symbols are understood as aliases, with
    Deribit's expiry hour (08:00 UTC). A plain currency is a spot holding. Anything else is an
    error that says why.

    Examples
    --------
    >>> parse_name("BTC-27DEC24-100000-C").strike
    100000.0
    >>> parse_name("XRP/USDC:USDC-241227-0.625-P").name
    'XRP_USDC-27DEC24-0d625-P'
    """
    if not isinstance(name, str):
        raise UnknownInstrumentError(f"an instrument's name must be text, got {name!r:.60}")
    if not name:
        raise UnknownInstrumentError("an instrument's name is empty")
    if len(name) > MAX_NAME:
        raise UnknownInstrumentError(f"{_quoted(name)}: longer than {MAX_NAME} characters")
    canonical = _from_unified(name) if "/" in name else name
    pair, *rest = canonical.split("-")
    unit, settlement, inverse = _read_pair(name, pair, spot=not rest)
    if not rest:
        return Terms(unit, unit, Kind.SPOT, 0, 0.0, False, unit)
    if rest == ["PERPETUAL"]:
        return Terms(canonical, unit, Kind.PERPETUAL, 0, 0.0, inverse, settlement)

    expiry_ns = _read_expiry(name, rest[0])
    if len(rest) == 1:
        return Terms(canonical, unit, Kind.FUTURE, expiry_ns, 0.0, inverse, settlement)
    if len(rest) != 3:
        raise _bad(name, "expected CURRENCY-EXPIRY-STRIKE-C or -P")
    strike = _read_strike(name, rest[1])
    if rest[2] not in ("C", "P"):
        raise _bad(name, f"an option ends in C or P, not {_quoted(rest[2])}")
    kind = Kind.CALL if rest[2] == "C" else Kind.PUT
    return Terms(canonical, unit, kind, expiry_ns, strike, inverse, settlement)


#: Contracts and coins; an asset of the catalogue is known by its price in the market.
WRONG_CASE = "names are in upper case, unless of an asset that the market has a price of"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_NAME else text[:MAX_NAME] + "...")


def _bad(name: str, why: str) -> UnknownInstrumentError:
    return UnknownInstrumentError(f"{_quoted(name)}: {why}")


def _read_pair(name: str, pair: str, *, spot: bool) -> tuple[str, str, bool]:
    parts = pair.split("_")
    for part in parts:
        if _CURRENCY.fullmatch(part) is None:
            if part != part.upper():
                raise _bad(name, WRONG_CASE)
            raise _bad(name, f"{part!r} is not a currency")
    if spot:
        if len(parts) > 1:
            raise _bad(name, "a spot holding is named by its currency alone")
        return pair, pair, False
    if len(parts) == 1:
        return pair, pair, True
    if len(parts) > 2 or parts[0] == parts[1]:
        raise _bad(name, f"{pair!r} is not a pair of currencies")
    if parts[1] not in DOLLARS:
        raise _bad(name, f"{parts[1]} is no dollar currency that linear contracts settle in")
    return parts[0], parts[1], False


def _read_expiry(name: str, text: str) -> int:
    match = _EXPIRY.fullmatch(text)
    if match is None:
        if text != text.upper():
            raise _bad(name, WRONG_CASE)
        raise _bad(name, f"{text!r} is neither PERPETUAL nor an expiry like 27DEC24 or 5JUN26")
    day, month, year = match.groups()
    if month not in MONTHS:
        raise _bad(name, f"{month} is not a month")
    try:
        expiry = date(2000 + int(year), MONTHS.index(month) + 1, int(day))
    except ValueError:
        raise _bad(name, f"{text} is not a date") from None
    return ((expiry.toordinal() - _EPOCH) * 24 + EXPIRY_HOUR) * 3_600_000_000_000


def _read_strike(name: str, text: str) -> float:
    if _STRIKE.fullmatch(text) is None:
        if text.startswith("-") or not text:
            raise _bad(name, "a strike is positive")
        raise _bad(name, f"{text!r} is not a strike like 100000 or 0d625")
    strike = float(text.replace("d", "."))
    if strike == 0.0:
        raise _bad(name, "a strike is positive")
    return strike


def _from_unified(name: str) -> str:
    """Deribit's name of the contract that ccxt's unified symbol means."""
    match = _UNIFIED.fullmatch(name)
    if match is None:
        raise _bad(name, "not a unified symbol like BTC/USD:BTC-241227-100000-C")
    base, quote, settle, expiry, strike, letter = match.groups()
    if settle == base and quote == "USD":
        pair = base
    elif settle == quote:
        pair = f"{base}_{quote}"
    else:
        raise _bad(name, f"settles in {settle}, which is neither {base} against USD nor {quote}")
    if expiry is None:
        return f"{pair}-PERPETUAL"
    month = int(expiry[2:4])
    if not 1 <= month <= 12:
        raise _bad(name, f"{month:02d} is not a month")
    text = f"{pair}-{int(expiry[4:])}{MONTHS[month - 1]}{expiry[:2]}"
    if strike is not None:
        text += f"-{strike.replace('.', 'd', 1)}-{letter}"
    return text


def expiry_text(expiry_ns: int) -> str:
    """Deribit's way to write an expiry, such as 5JUN26; empty for 0."""
    if expiry_ns == 0:
        return ""
    day = datetime.fromtimestamp(expiry_ns // 1_000_000_000, UTC)
    return f"{day.day}{MONTHS[day.month - 1]}{day.year % 100:02d}"


def default_step(terms: Terms) -> float:
    """A quantity increment that divides what Deribit uses, for names without a venue's table.

    Source: public/get_instruments, min_trade_amount; BTC 0.1, ETH 1 for options, 10 and 1 USD for
    inverse futures, 1e-4 BTC and up for linear contracts; accessed 2026-11-22.
    """
    if terms.kind is Kind.SPOT:
        return 1e-6 if terms.unit in DOLLARS else 1e-8
    if not terms.inverse:
        return 1e-4
    return 0.1 if terms.kind in (Kind.CALL, Kind.PUT) else 1.0


def as_names(names: Iterable[str] | ArrayLike) -> NDArray[Any]:
    """Names as a one-dimensional object array, whatever holds them."""
    if isinstance(names, str):
        raise ArgumentError("names must be a sequence of names, not one string")
    items: Any = names
    if not isinstance(items, (np.ndarray, list, tuple)):
        to_numpy = getattr(items, "to_numpy", None)
        items = to_numpy() if to_numpy is not None else list(items)
    if isinstance(items, np.ndarray):
        items = items.tolist()
    out: NDArray[Any] = np.empty(len(items), dtype=np.object_)
    for i, name in enumerate(items):
        out[i] = name
    return out


_COLUMNS = (
    ("unit", np.int32), ("kind", np.uint8), ("expiry_ns", np.int64), ("strike", np.float64),
    ("contract_size", np.float64), ("inverse", np.bool_), ("settlement", np.int32),
    ("step", np.float64),
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Instruments:
    """The terms of n instruments as equally long read-only columns.

    Attributes
    ----------
    name : (n,) object
        Unique; Deribit's names.
    unit : (n,) int32
        Row of `units`: the underlying.
    kind : (n,) uint8
        A `Kind`.
    expiry_ns : (n,) int64
        Nanoseconds since 1970 UTC; 0 for spot and perpetuals.
    strike : (n,) float64
        In the currency of the quote; 0 where there is none.
    contract_size : (n,) float64
        Underlying per 1.0 of quantity; for inverse futures and perpetuals, USD per 1.0 of quantity.
    inverse : (n,) bool
        Settled in the underlying coin itself.
    settlement : (n,) int32
        Row of `currencies`.
    step : (n,) float64
        Smallest increment of a quantity.
    units, currencies : tuple of str

    Notes
    -----
    A quantity is Deribit's `amount`: USD for inverse futures and perpetuals, coins for options and
    linear contracts. So `contract_size` is 1.0 there and `step` is `min_trade_amount`.

    Examples
    --------
    >>> Instruments.from_names(["BTC", "BTC-PERPETUAL", "BTC-27DEC24-100000-C"])
    Instruments(3: 1 spot, 1 perpetual, 1 call; units BTC; expiry 27DEC24)
    """

    name: NDArray[Any]
    unit: NDArray[np.int32]
    kind: NDArray[np.uint8]
    expiry_ns: NDArray[np.int64]
    strike: NDArray[np.float64]
    contract_size: NDArray[np.float64]
    inverse: NDArray[np.bool_]
    settlement: NDArray[np.int32]
    step: NDArray[np.float64]
    units: tuple[str, ...]
    currencies: tuple[str, ...]

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "name", as_names(self.name))
        put(self, "units", tuple(self.units))
        put(self, "currencies", tuple(self.currencies))
        for column, dtype in _COLUMNS:
            values = np.array(getattr(self, column), dtype=dtype)
            if values.shape != self.name.shape:
                raise ArgumentError(f"{column} has shape {values.shape} for {len(self.name)} names")
            put(self, column, values)
        self._check()
        for column in ("name", *(column for column, _ in _COLUMNS)):
            getattr(self, column).flags.writeable = False

    def _check(self) -> None:
        n = len(self.name)
        if len(self.rows) != n:
            first: dict[str, int] = {}
            for i, name in enumerate(self.name):
                if first.setdefault(name, i) != i:
                    raise RowOrderError(f"row {i}: {name} is already in row {first[name]}", row=i)
        for column in ("strike", "contract_size", "step"):
            self._refuse(~np.isfinite(getattr(self, column)), column, "not finite", NotFiniteError)
        self._refuse(self.kind > Kind.PUT, "kind", "no such kind")
        dated = self.kind >= Kind.FUTURE
        option = self.kind >= Kind.CALL
        self._refuse((self.expiry_ns <= 0) & dated, "expiry_ns", "must be positive")
        self._refuse((self.expiry_ns != 0) & ~dated, "expiry_ns", "must be 0 without an expiry")
        self._refuse((self.strike <= 0) & option, "strike", "must be positive")
        self._refuse((self.strike != 0) & ~option, "strike", "must be 0 where there is none")
        self._refuse(self.contract_size <= 0, "contract_size", "must be positive")
        self._refuse(self.step <= 0, "step", "must be positive")
        for column, known in (("unit", self.units), ("settlement", self.currencies)):
            values = getattr(self, column)
            self._refuse((values < 0) | (values >= len(known)), column, "no such row")
        if n:
            unit_name = np.array(self.units, dtype=object)[self.unit]
            coin = np.array(self.currencies, dtype=object)[self.settlement]
            own = self.inverse | (self.kind == Kind.SPOT)
            self._refuse((unit_name != coin) & own, "settlement", "must be the underlying itself")

    def _refuse(
        self,
        bad: NDArray[np.bool_],
        column: str,
        why: str,
        error: type[DomainError | NotFiniteError] = DomainError,
    ) -> None:
        if bad.any():
            i = int(np.argmax(bad))
            value = getattr(self, column)[i]
            raise error(f"row {i} ({self.name[i]}), {column}: {why}, got {value}", row=i)

    @classmethod
    def from_names(
        cls,
        names: Iterable[str] | ArrayLike,
        *,
        step: ArrayLike | None = None,
        contract_size: ArrayLike | None = None,
    ) -> Instruments:
        """Read the terms from the names.

        Parameters
        ----------
        names : (n,) str
            Deribit's names, or ccxt's unified symbols; see `parse_name`.
        step, contract_size : (n,) or scalar float64, optional
            Default: 1.0 for the size; for the step one that divides Deribit's.

        Raises
        ------
        UnknownInstrumentError
            A name that is not an instrument; `error.row` is its row.
        RowOrderError
            A name twice.
        """
        texts = as_names(names)
        terms = []
        for i, text in enumerate(texts):
            try:
                terms.append(parse_name(text))
            except UnknownInstrumentError as error:
                raise UnknownInstrumentError(f"row {i}: {error}", row=i) from None
        return cls.from_terms(terms, step=step, contract_size=contract_size)

    @classmethod
    def from_terms(
        cls,
        terms: Sequence[Terms],
        *,
        step: ArrayLike | None = None,
        contract_size: ArrayLike | None = None,
    ) -> Instruments:
        """Columns of `Terms`; arguments as in `from_names`."""
        n = len(terms)
        units = tuple(dict.fromkeys(term.unit for term in terms))
        currencies = tuple(dict.fromkeys(term.settlement for term in terms))
        unit_of = {unit: i for i, unit in enumerate(units)}
        currency_of = {currency: i for i, currency in enumerate(currencies)}
        if step is None:
            step = [default_step(term) for term in terms]
        return cls(
            name=as_names([term.name for term in terms]),
            unit=[unit_of[term.unit] for term in terms],  # type: ignore[arg-type]
            kind=[term.kind for term in terms],  # type: ignore[arg-type]
            expiry_ns=[term.expiry_ns for term in terms],  # type: ignore[arg-type]
            strike=[term.strike for term in terms],  # type: ignore[arg-type]
            contract_size=np.broadcast_to(1.0 if contract_size is None else contract_size, n),
            inverse=[term.inverse for term in terms],  # type: ignore[arg-type]
            settlement=[currency_of[term.settlement] for term in terms],  # type: ignore[arg-type]
            step=np.broadcast_to(step, n),
            units=units,
            currencies=currencies,
        )

    @classmethod
    def from_table(cls, source: Any, *, name: str | None = None) -> Instruments:
        """Read instruments from a table: a mapping, DataFrame, Arrow object or file.

        Parameters
        ----------
        source
            Columns: `instrument` (or `name`); optional `step` and `contract_size`. With a `kind`
            column (spot, perpetual, future, call, put, or its number) the names are free and the
            terms are columns: `unit`, and where they apply `expiry_ns`, `strike`, `inverse`,
            `settlement`.
        name : str, optional
            What to call the source in messages.

        Raises
        ------
        FileError
            Names the source, the row and the field.
        """
        from margin_core.adapters.tables import read_rows, source_name

        label = source_name(source, name, "instruments")
        columns, origin = read_rows(
            source,
            name=label,
            required={"instrument|name|instrument_name": "str"},
            optional={
                "unit": "str",
                "kind": "id",
                "expiry_ns": "int",
                "strike": "float",
                "contract_size": "float",
                "inverse": "bool",
                "settlement": "str",
                "step": "float",
            },  # fmt: skip
        )
        names = columns["instrument"]
        sizes = {key: columns.get(key) for key in ("step", "contract_size")}
        try:
            if "kind" not in columns:
                return cls.from_names(names, **sizes)
            if "unit" not in columns:
                raise FileError(f"{label}: with a kind column, a unit column is needed")
            return cls.from_terms(_terms_of(columns), **sizes)
        except FileError:
            raise
        except (ArgumentError, DomainError, NotFiniteError, RowOrderError,
                UnknownInstrumentError) as error:  # fmt: skip
            raise origin.error(error) from error

    def to_table(self) -> Table:
        """The terms as a table that `from_table` reads back."""
        from margin_core.table import Table

        kinds = np.array([kind.name.lower() for kind in Kind], dtype=object)
        return Table(
            {
                "instrument": self.name,
                "unit": np.array(self.units, dtype=object)[self.unit],
                "kind": kinds[self.kind],
                "expiry_ns": self.expiry_ns,
                "strike": self.strike,
                "contract_size": self.contract_size,
                "inverse": self.inverse,
                "settlement": np.array(self.currencies, dtype=object)[self.settlement],
                "step": self.step,
            }
        )

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each name."""
        return {name: i for i, name in enumerate(self.name)}

    def index_of(self, names: Iterable[str] | ArrayLike) -> NDArray[np.int32]:
        """Rows of `names`, (n,) int32.

        Raises
        ------
        UnknownInstrumentError
            Names the first row whose name is not here.

        Examples
        --------
        >>> Instruments.from_names(["BTC", "BTC-PERPETUAL"]).index_of(["BTC-PERPETUAL"])
        array([1], dtype=int32)
        """
        texts = as_names(names).tolist()
        known = dict(self.rows)
        try:
            out = np.fromiter((known.get(text, -1) for text in texts), np.int32, len(texts))
        except TypeError:
            raise UnknownInstrumentError("an instrument's name must be text") from None
        for i in np.flatnonzero(out < 0).tolist():
            if texts[i] not in known:  # the first time that this alias is seen
                known[texts[i]] = self._row_of_alias(texts[i], i)
            out[i] = known[texts[i]]
        return out

    def _row_of_alias(self, text: Any, row: int) -> int:
        try:
            canonical = parse_name(text).name
        except UnknownInstrumentError as error:
            raise UnknownInstrumentError(f"row {row}: {error}", row=row) from None
        if canonical not in self.rows:
            raise UnknownInstrumentError(
                f"row {row}: {canonical} is not among the {len(self)} instruments", row=row
            )
        return self.rows[canonical]

    def select(self, rows: ArrayLike) -> Instruments:
        """The instruments where a mask is true, or those of an index array, in its order."""
        taken = np.asarray(rows)
        if taken.dtype == bool and taken.shape != self.name.shape:
            raise ArgumentError(f"a mask of {taken.size} for {len(self)} instruments")
        if taken.size == 0:
            taken = taken.astype(np.intp)
        columns = {column: getattr(self, column)[taken] for column, _ in _COLUMNS}
        return Instruments(
            name=self.name[taken], units=self.units, currencies=self.currencies, **columns
        )

    @classmethod
    def concat(cls, parts: Iterable[Instruments]) -> Instruments:
        """All instruments of several sets; a name twice is an error."""
        parts = list(parts)
        units = tuple(dict.fromkeys(unit for part in parts for unit in part.units))
        currencies = tuple(dict.fromkeys(c for part in parts for c in part.currencies))
        if not parts:
            return cls.from_names([])
        columns: dict[str, Any] = {
            column: np.concatenate([getattr(part, column) for part in parts])
            for column in ("name", *(column for column, _ in _COLUMNS))
        }
        columns["unit"] = np.concatenate(
            [_renumber(part.unit, part.units, units) for part in parts]
        )
        columns["settlement"] = np.concatenate(
            [_renumber(part.settlement, part.currencies, currencies) for part in parts]
        )
        return cls(units=units, currencies=currencies, **columns)

    def is_option(self) -> NDArray[np.bool_]:
        """True for calls and puts, (n,) bool."""
        return self.kind >= Kind.CALL

    def __len__(self) -> int:
        return len(self.name)

    def __repr__(self) -> str:
        counts = np.bincount(self.kind, minlength=len(Kind))
        what = ", ".join(
            f"{count} {kind.name.lower()}{'s' if count > 1 and kind is not Kind.SPOT else ''}"
            for kind, count in zip(Kind, counts, strict=True)
            if count
        )
        text = f"Instruments({len(self)}" + (f": {what}" if what else "")
        units = [self.units[i] for i in np.unique(self.unit)]
        if units:
            text += f"; units {_few(units)}"
        expiries = np.unique(self.expiry_ns[self.expiry_ns > 0])
        if expiries.size == 1:
            text += f"; expiry {expiry_text(int(expiries[0]))}"
        elif expiries.size:
            first, last = expiry_text(int(expiries[0])), expiry_text(int(expiries[-1]))
            text += f"; {expiries.size} expiries, {first} to {last}"
        return text + ")"


def _few(words: Sequence[str], limit: int = 8) -> str:
    if len(words) <= limit:
        return ", ".join(words)
    return ", ".join(words[:limit]) + f" and {len(words) - limit} more"


def _renumber(
    column: NDArray[np.int32], old: tuple[str, ...], new: tuple[str, ...]
) -> NDArray[np.int32]:
    row_of = {word: i for i, word in enumerate(new)}
    return np.array([row_of[word] for word in old], dtype=np.int32)[column]


def _terms_of(columns: dict[str, NDArray[Any]]) -> list[Terms]:
    """Terms from explicit columns; defaults where a column does not apply."""
    names = columns["instrument"]
    kinds = {kind.name.lower(): kind for kind in Kind}
    out = []
    for i, name in enumerate(names):
        word = columns["kind"][i]
        kind = kinds.get(word.lower()) if isinstance(word, str) else None
        if kind is None:
            try:
                kind = Kind(int(word))
            except ValueError:
                raise DomainError(f"row {i} ({name}), kind: no such kind, got {word!r}",
                                  row=i) from None  # fmt: skip
        unit = columns["unit"][i]
        settlement = columns["settlement"][i] if "settlement" in columns else unit
        inverse = kind is not Kind.SPOT and settlement == unit
        if "inverse" in columns:
            inverse = bool(columns["inverse"][i])
        expiry_ns = int(columns["expiry_ns"][i]) if "expiry_ns" in columns else 0
        strike = float(columns["strike"][i]) if "strike" in columns else 0.0
        out.append(Terms(name, unit, kind, expiry_ns, strike, inverse, settlement))
    return out
