# SPDX-License-Identifier: Apache-2.0
"""The market at one instant: what every instrument is worth, and what was odd about the quotes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.checks import is_a, real, shown
from margin_core.errors import (
    ArgumentError,
    DomainError,
    FileError,
    MarginCoreError,
    NotFiniteError,
    UnknownInstrumentError,
)
from margin_core.instruments import Instruments, Kind, expiry_text
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from margin_core.oracle import OracleReading

__all__ = ["Market", "read_chain"]

NS_PER_YEAR = 365 * 86_400_000_000_000
NS_PER_DAY = 86_400_000_000_000

#: Quotes of one expiry, or of one index, that were captured seconds apart differ by less.
TOLERANCE_FRAC = 1e-3

#: The smallest change of an asset's quantity, as of a coin's.
ASSET_STEP = 1e-8


def no_findings() -> Table:
    return Table(
        {
            "row": np.empty(0, dtype=np.int64),
            "instrument": np.empty(0, dtype=object),
            "field": np.empty(0, dtype=object),
            "message": np.empty(0, dtype=object),
            "severity": np.empty(0, dtype=object),
        }
    )


@dataclass(frozen=True, eq=False, repr=False)
class Market:
    """A snapshot: read-only columns, one row an instrument or a unit.

    Attributes
    ----------
    now_ns : int
        The instant, nanoseconds since 1970 UTC.
    instruments : Instruments
        Holds a spot row for every unit and every settlement currency.
    index_usd : (n_units,) float64, USD
        Price of one coin of each unit.
    confidence_frac : (n_units,) float64
        Half width of the index's confidence band as a fraction of it; 0 where unknown.
    forward_usd : (n,) float64
        Spot: the asset's price in USD. Perpetual, future: its mark price. Option: the forward of
        its expiry, one number for all options of an expiry. In the quote currency, counted as
        USD: a linear contract's forward is in USDC, like its strike; see `quote_usd`.
    discount : (n,) float64
        Value now of 1 paid at expiry; 1.0 unless a rate was given.
    vol : (n,) float64, fraction per square root of a year
        Options; 0 elsewhere.
    mark_usd : (n,) float64, USD per 1.0 of quantity
        The venue's mark: spot S; linear future F size; inverse future -size S/F (its cost basis
        is +size/entry coins; see PackedBook); linear option its price; inverse option its coin
        price times the index S.
    findings : Table
        Columns row, instrument, field, message, severity ("info" or "warning"): what was odd
        about the quotes but did not stop the snapshot. Row -1: about no instrument that is here.

    Examples
    --------
    >>> quotes = {"instrument": ["BTC-PERPETUAL"], "forward_usd": [60_000.0]}
    >>> market = Market.from_table(quotes, now=1_700_000_000_000_000_000, index={"BTC": 60_000.0})
    >>> market.mark_usd
    array([-1.e+00,  6.e+04])
    """

    now_ns: int
    instruments: Instruments
    index_usd: NDArray[np.float64]
    forward_usd: NDArray[np.float64]
    mark_usd: NDArray[np.float64]
    vol: NDArray[np.float64]
    discount: NDArray[np.float64] = None  # type: ignore[assignment]
    confidence_frac: NDArray[np.float64] = None  # type: ignore[assignment]
    findings: Table = field(default_factory=no_findings)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "now_ns", as_ns(self.now_ns))
        n, n_units = len(self.instruments), len(self.instruments.units)
        defaults = {"discount": np.ones(n), "confidence_frac": np.zeros(n_units)}
        for name, count in (
            ("index_usd", n_units), ("confidence_frac", n_units), ("forward_usd", n),
            ("discount", n), ("vol", n), ("mark_usd", n),
        ):  # fmt: skip
            given = getattr(self, name)
            values = np.array(defaults[name] if given is None else given, dtype=np.float64)
            if values.shape != (count,):
                raise ArgumentError(f"{name} has shape {values.shape}, not ({count},)")
            values.flags.writeable = False
            put(self, name, values)
        self._check()

    def _check(self) -> None:
        instruments = self.instruments
        option = instruments.is_option()
        for name in ("index_usd", "confidence_frac"):
            values = getattr(self, name)
            bad = ~np.isfinite(values)
            bad |= values <= 0 if name == "index_usd" else (values < 0) | (values >= 1)
            if bad.any():
                i = int(np.argmax(bad))
                unit = instruments.units[i]
                raise DomainError(f"{name} of {unit} is {values[i]}", row=i)
        for name in ("forward_usd", "discount", "vol", "mark_usd"):
            values = getattr(self, name)
            self._refuse(~np.isfinite(values), name, "not finite", NotFiniteError)
            if name in ("forward_usd", "discount"):
                self._refuse(values <= 0, name, "must be positive")
        self._refuse(self.vol < 0, "vol", "must not be negative")
        self._refuse((self.vol != 0) & ~option, "vol", "only options have one")
        dated = instruments.expiry_ns > 0
        self._refuse(dated & (instruments.expiry_ns <= self.now_ns), "years", "has expired")
        has_spot = np.zeros(len(instruments.units), dtype=np.bool_)
        has_spot[instruments.unit[instruments.kind == Kind.SPOT]] = True
        names = [u for u, has in zip(instruments.units, has_spot, strict=True) if has]
        missing = (set(instruments.units) | set(instruments.currencies)) - set(names)
        if missing:
            raise ArgumentError(f"no spot row for {', '.join(sorted(missing))}")

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
            raise error(f"row {i} ({self.instruments.name[i]}), {column}: {why}, got {value}",
                        row=i)  # fmt: skip

    # Derived columns

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """Time to expiry in years of 365 days, (n,); 0 for spot and perpetuals."""
        years = np.where(
            self.instruments.expiry_ns > 0,
            (self.instruments.expiry_ns - self.now_ns) / NS_PER_YEAR,
            0.0,
        )
        years.flags.writeable = False
        return years

    @cached_property
    def currency_usd(self) -> NDArray[np.float64]:
        """USD price of each settlement currency, (n_currencies,)."""
        unit_of = {unit: i for i, unit in enumerate(self.instruments.units)}
        rows = [unit_of[currency] for currency in self.instruments.currencies]
        prices = self.index_usd[rows]
        prices.flags.writeable = False
        return prices

    @cached_property
    def quote_usd(self) -> NDArray[np.float64]:
        """USD per 1.0 of the currency an instrument is quoted in, (n,).

        1.0 for spot and inverse contracts (quoted in USD), the stablecoin's price for linear ones.
        """
        linear = ~self.instruments.inverse & (self.instruments.kind != Kind.SPOT)
        prices = np.where(linear, self.currency_usd[self.instruments.settlement], 1.0)
        prices.flags.writeable = False
        return prices

    @property
    def names(self) -> NDArray[Any]:
        """The instruments' names, (n,) object."""
        return self.instruments.name

    def __len__(self) -> int:
        return len(self.instruments)

    def __repr__(self) -> str:
        instant = np.datetime64(self.now_ns, "ns").astype("datetime64[s]")
        inside = repr(self.instruments)[len("Instruments(") : -1]
        text = f"Market({instant}Z; {inside}"
        if len(self.findings):
            warnings = int((self.findings["severity"] == "warning").sum())
            text += f"; {len(self.findings)} findings, {warnings} of them warnings"
        return text + ")"

    def with_readings(
        self, readings: Mapping[str, OracleReading], action: str = "margin_check"
    ) -> Market:
        """The market whose index prices and confidence bands are the oracle guard's.

        Parameters
        ----------
        readings : mapping of unit to OracleReading
            In USD. Units left out keep their index and band.
        action : str
            What the market is for. Where the ladder prices it at an edge, the band reaches to the
            edge on either side, the stable price included, so that a requirement's oracle charge
            covers it; else it is the reading's own band.

        Returns
        -------
        Market
            `index_usd`, `confidence_frac` and the coins' spot prices replaced; assets that follow
            a coin move with it by the same ratio; contracts keep theirs.

        Raises
        ------
        ArgumentError
            A unit that is not here, a reading of another pair, or one that refuses `action` at
            the market's instant: then there is no price to margin with.
        DomainError
            A band as wide as the price.
        """
        columns = {
            name: getattr(self, name).copy()
            for name in ("index_usd", "confidence_frac", "forward_usd", "mark_usd")
        }
        rows = {unit: i for i, unit in enumerate(self.instruments.units)}
        spot = self.instruments.kind == Kind.SPOT
        for unit, reading in readings.items():
            if unit not in rows:
                raise ArgumentError(f"the market has no unit {unit}")
            if (reading.base, reading.quote) != (unit, "USD"):
                raise ArgumentError(f"{unit}: the reading is {reading.base}/{reading.quote}")
            reading = reading.at(self.now_ns)
            edges = reading.price_for(action), reading.price_for(action, owed=True)
            if edges[0] is None or edges[1] is None:
                why = ", ".join(reading.reasons) or "no reason"
                raise ArgumentError(f"{unit}: {reading.validity} ({why}) does not allow {action}")
            reach = max(abs(edges[0] / reading.price - 1.0), abs(edges[1] / reading.price - 1.0))
            i = rows[unit]
            held = spot & (self.instruments.unit == i)
            coin = held & (self.instruments.name == unit)
            ratio = np.where(coin, reading.price / self.forward_usd,
                             reading.price / self.index_usd[i])[held]  # fmt: skip
            columns["index_usd"][i] = reading.price
            columns["confidence_frac"][i] = max(reach, reading.confidence_frac)
            columns["mark_usd"][held] *= ratio
            columns["forward_usd"][held] *= ratio
            columns["forward_usd"][coin] = reading.price
        return replace(self, **columns)

    # Constructors

    @classmethod
    def from_table(
        cls,
        source: Any,
        *,
        now: Any,
        index: Mapping[str, float] | None = None,
        name: str | None = None,
        tolerance_frac: float = TOLERANCE_FRAC,
    ) -> Market:
        """A snapshot from one row of quotes per instrument; the rows keep their order.

        Parameters
        ----------
        source
            A mapping, DataFrame, Arrow object or file with the column `instrument`, and where
            they apply: `forward_usd` (option: the forward of its expiry; future, perpetual: its
            mark), `vol` (fraction), `mark_price`, `bid_price`, `ask_price` (in the venue's unit:
            coin for inverse options), `mark_usd` (overrides), `index_usd`, `rate`, `step`,
            `contract_size`. Empty or NaN is "no value".
        now : int, datetime or numpy.datetime64
            The instant; nanoseconds since 1970 UTC.
        index : mapping of unit to USD price, optional
            Wins over an `index_usd` column. Every currency named here gets a spot row, so that
            it can be held; a dollar currency that is not priced counts as 1.0, with a finding.
        name : str, optional
            What to call the source in messages.
        tolerance_frac : float
            How far forwards of one expiry, or index prices of one unit, may lie apart.

        Raises
        ------
        FileError
            Names the source, the row and the field.
        """
        from margin_core.adapters.tables import read_rows, source_name
        from margin_core.quotes import QUOTES, snapshot

        label = source_name(source, name, "market")
        quotes = ("forward_usd|forward|underlying_price", "vol", "mark_price",
                  "bid_price|best_bid_price", "ask_price|best_ask_price",
                  "index_usd|index_price", "rate", "mark_usd")  # fmt: skip
        columns, origin = read_rows(
            source,
            name=label,
            required={"instrument|name|instrument_name": "str"},
            optional={**dict.fromkeys(quotes, "float"), "step": "float", "contract_size": "float"},
            nullable=[names.split("|")[0] for names in quotes],
        )
        try:
            instruments = Instruments.from_names(
                columns["instrument"],
                step=columns.get("step"),
                contract_size=columns.get("contract_size"),
            )
        except MarginCoreError as error:
            raise origin.error(error) from error
        if len(instruments) == 0:
            raise FileError(f"{label}: no quotes")
        rename = {"forward_usd": "forward", "index_usd": "index_price"}
        called = {new: origin.columns.get(old, old) for old, new in rename.items()}
        return snapshot(
            instruments,
            {rename.get(key, key): columns[key] for key in columns
             if rename.get(key, key) in QUOTES},
            now_ns=as_ns(now),
            index=index,
            origin=replace(origin, columns={**origin.columns, **called}),
            tolerance_frac=tolerance_frac,
        )  # fmt: skip

    @classmethod
    def from_deribit(
        cls,
        *,
        instruments: Any = None,
        summaries: Any = None,
        tickers: Any = None,
        now: Any = None,
        index: Mapping[str, float] | None = None,
        tolerance_frac: float = TOLERANCE_FRAC,
    ) -> Market:
        """A snapshot from answers of Deribit's public API.

        Parameters
        ----------
        instruments, summaries, tickers
            Answers of `public/get_instruments`, `public/get_book_summary_by_currency` and
            `public/ticker`: a parsed document, a list of records, the path of a saved answer, or
            a sequence of any of these. A ticker's value wins over a summary's.
        now : int, datetime or numpy.datetime64, optional
            Nanoseconds since 1970 UTC; default the latest time stamp in the quotes.
        index : mapping of unit to USD price, optional
        tolerance_frac : float
            As in `from_table`.

        Notes
        -----
        Rows are sorted by unit, kind of settlement, expiry, strike and kind; spot rows come last.
        """
        from margin_core.adapters.deribit import market_from_answers

        return market_from_answers(
            instruments=instruments,
            summaries=summaries,
            tickers=tickers,
            now=now,
            index=index,
            tolerance_frac=tolerance_frac,
        )

    # Copies with a difference

    def select(self, rows: ArrayLike) -> Market:
        """The instruments where a mask is true, or those of an index array, in its order.

        Every spot row stays: one that was not asked for comes after the others.
        """
        taken = np.asarray(rows)
        if taken.dtype == bool:
            if taken.shape != (len(self),):
                raise ArgumentError(f"a mask of {taken.size} for {len(self)} instruments")
            taken = np.flatnonzero(taken)
        # through arange, so that rows from the end count as what they are
        taken = np.arange(len(self))[taken.astype(np.intp)]
        spot = np.flatnonzero(self.instruments.kind == Kind.SPOT)
        kept = np.concatenate([taken, spot[~np.isin(spot, taken)]])
        new_row = np.full(len(self), -1, dtype=np.int64)
        new_row[kept] = np.arange(len(kept))
        found = self.findings[(self.findings["row"] < 0) | (new_row[self.findings["row"]] >= 0)]
        row = np.where(found["row"] < 0, -1, new_row[found["row"]])
        return replace(
            self,
            instruments=self.instruments.select(kept),
            forward_usd=self.forward_usd[kept],
            discount=self.discount[kept],
            vol=self.vol[kept],
            mark_usd=self.mark_usd[kept],
            findings=Table({**{name: found[name] for name in found}, "row": row}),
        )

    def with_marks(self, mark_usd: ArrayLike | Mapping[str, float]) -> Market:
        """The same snapshot with other marks: all of them, or a mapping of those to replace."""
        return replace(self, mark_usd=self._replaced(self.mark_usd, mark_usd))

    def with_vols(self, vol: ArrayLike | Mapping[str, float]) -> Market:
        """The same snapshot with other volatilities; marks stay the venue's."""
        return replace(self, vol=self._replaced(self.vol, vol))

    def with_confidence(self, confidence_frac: Mapping[str, float]) -> Market:
        """The same snapshot with the width of some units' index prices."""
        values = self.confidence_frac.copy()
        for unit, width in confidence_frac.items():
            if unit not in self.instruments.units:
                raise UnknownInstrumentError(f"no unit {unit}")
            values[self.instruments.units.index(unit)] = width
        return replace(self, confidence_frac=values)

    def with_assets(self, prices_usd: Mapping[str, float], units: Mapping[str, str]) -> Market:
        """The same snapshot with collateral assets that follow another unit's price.

        Parameters
        ----------
        prices_usd : {name: USD}
            Per 1.0; each becomes a spot row, or the price of the row that is there.
        units : {name: unit}
            Whose scenarios move it: wstETH follows ETH. The unit is in the market, or is USD.

        Raises
        ------
        UnknownInstrumentError
            A name without a unit, a unit that the market does not have.
        ArgumentError
            A name that is a contract's.

        Examples
        --------
        >>> quotes = {"instrument": ["ETH-PERPETUAL"], "forward_usd": [3_000.0]}
        >>> market = Market.from_table(quotes, now=1, index={"ETH": 3_000.0})
        >>> market.with_assets({"wstETH": 3_600.0}, {"wstETH": "ETH"}).names
        array(['ETH', 'ETH-PERPETUAL', 'wstETH'], dtype=object)
        """
        base = self
        is_a("units", units, Mapping)
        is_a("prices_usd", prices_usd, Mapping)
        for name, price_usd in prices_usd.items():
            real(f"price of {shown(name)}", price_usd)
            row = self.instruments.rows.get(name, -1)
            if row >= 0 and self.instruments.kind[row] != Kind.SPOT:
                raise ArgumentError(f"{name} is a contract of this market, no asset")
            unit = units.get(name, "nothing")
            if unit == "USD" and unit not in base.instruments.units:
                dollar = Instruments.from_names(["USD"])
                alone = Market(self.now_ns, dollar, *(np.ones(1),) * 3, vol=np.zeros(1))
                base = Market.concat([base, alone], now=self.now_ns)
            if unit not in base.instruments.units:
                raise UnknownInstrumentError(f"{name} follows {unit!r}, which is no unit here")
        known = base.instruments
        new = [name for name in prices_usd if name not in known.rows]
        unit_rows = np.array([known.units.index(units[name]) for name in new], dtype=np.int32)
        own = {known.units[known.unit[i]]: known.settlement[i]
               for i in np.flatnonzero(known.kind == Kind.SPOT)}  # fmt: skip
        n = len(new)
        added = Instruments(
            name=np.array(new, dtype=object), unit=unit_rows, kind=np.full(n, Kind.SPOT),
            expiry_ns=np.zeros(n, dtype=np.int64), strike=np.zeros(n), contract_size=np.ones(n),
            inverse=np.zeros(n, dtype=bool),
            settlement=np.array([own[units[name]] for name in new], dtype=np.int32),
            step=np.full(n, ASSET_STEP), units=known.units, currencies=known.currencies,
        )  # fmt: skip
        price = np.array([prices_usd[name] for name in new], dtype=np.float64)
        wider = replace(
            base,
            instruments=Instruments.concat([known, added]),
            forward_usd=np.concatenate([base.forward_usd, price]),
            mark_usd=np.concatenate([base.mark_usd, price]),
            vol=np.concatenate([base.vol, np.zeros(n)]),
            discount=np.concatenate([base.discount, np.ones(n)]),
        )
        old = {name: prices_usd[name] for name in prices_usd if name not in new}
        return replace(wider, forward_usd=wider._replaced(wider.forward_usd, old)).with_marks(old)

    def _replaced(
        self, column: NDArray[np.float64], values: ArrayLike | Mapping[str, float]
    ) -> NDArray[np.float64]:
        if not isinstance(values, Mapping):
            return np.array(values, dtype=np.float64)
        out = column.copy()
        out[self.instruments.index_of(list(values))] = list(values.values())
        return out

    @classmethod
    def concat(
        cls,
        markets: Iterable[Market],
        *,
        now: Any = None,
        tolerance_frac: float = TOLERANCE_FRAC,
    ) -> Market:
        """One snapshot of several, such as one per currency.

        The instant is the latest unless `now` is given; spot rows that several have are kept once
        and must agree within `tolerance_frac` (the first one's price is taken).
        """
        parts = list(markets)
        if not parts:
            raise ArgumentError("no market to concatenate")
        prices: dict[str, float] = {}
        widths: dict[str, float] = {}
        keeps = []
        for part in parts:
            keep = np.ones(len(part), dtype=np.bool_)
            spot = np.flatnonzero(part.instruments.kind == Kind.SPOT)
            seen = dict(prices)
            for unit, price, width in zip(
                part.instruments.units, part.index_usd, part.confidence_frac, strict=True
            ):
                first = prices.setdefault(unit, float(price))
                widths[unit] = max(widths.get(unit, 0.0), float(width))
                if abs(price / first - 1.0) > tolerance_frac:
                    raise DomainError(f"index of {unit}: {first} in one market, {price} in another")
            keep[spot] = [part.names[i] not in seen for i in spot]
            keeps.append(np.flatnonzero(keep))
        pairs = list(zip(parts, keeps, strict=True))
        instruments = Instruments.concat(part.instruments.select(keep) for part, keep in pairs)

        def joined(column: str) -> NDArray[np.float64]:
            return np.concatenate([getattr(part, column)[keep] for part, keep in pairs])

        found = [part.findings for part in parts]
        findings = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
        findings["row"] = np.array(
            [instruments.rows.get(name, -1) if row >= 0 else -1
             for name, row in zip(findings["instrument"], findings["row"], strict=True)],
            dtype=np.int64,
        )  # fmt: skip
        return cls(
            now_ns=max(part.now_ns for part in parts) if now is None else now,
            instruments=instruments,
            index_usd=np.array([prices[unit] for unit in instruments.units]),
            confidence_frac=np.array([widths[unit] for unit in instruments.units]),
            forward_usd=joined("forward_usd"),
            discount=joined("discount"),
            vol=joined("vol"),
            mark_usd=joined("mark_usd"),
            findings=Table(findings),
        )

    # Views of it

    def summary(self) -> Table:
        """One row per unit and expiry, for people.

        Columns: unit, settlement, expiry, days, forward_usd, basis_frac (forward over index less
        1), n_options, n_futures, atm_vol (at the forward, between the nearest strikes; NaN where
        no options are listed).
        """
        instruments = self.instruments
        dated = np.flatnonzero(instruments.expiry_ns > 0)
        keys = np.stack(
            [instruments.unit[dated], instruments.settlement[dated], instruments.expiry_ns[dated]],
            axis=1,
        ).astype(np.int64)
        groups, group_of = np.unique(keys, axis=0, return_inverse=True)
        out: dict[str, list[Any]] = {
            name: []
            for name in ("unit", "settlement", "expiry", "days", "forward_usd", "basis_frac",
                         "n_options", "n_futures", "atm_vol")
        }  # fmt: skip
        for g, (unit, settlement, expiry_ns) in enumerate(groups):
            rows = dated[np.ravel(group_of) == g]
            options = rows[instruments.is_option()[rows]]
            forward = float(self.forward_usd[options[0] if options.size else rows[0]])
            values = (
                instruments.units[unit], instruments.currencies[settlement],
                expiry_text(int(expiry_ns)), (int(expiry_ns) - self.now_ns) / NS_PER_DAY, forward,
                forward / self.index_usd[unit] - 1.0, options.size, rows.size - options.size,
                _vol_at(instruments.strike[options], self.vol[options], forward),
            )  # fmt: skip
            for name, value in zip(out, values, strict=True):
                out[name].append(value)
        return Table(
            {name: np.array(values, dtype=_SUMMARY_DTYPE.get(name, np.float64))
             for name, values in out.items()}
        )  # fmt: skip

    def to_table(self) -> Table:
        """Every column, one row an instrument."""
        return Table(
            {
                **self.instruments.to_table(),
                "years": self.years,
                "index_usd": self.index_usd[self.instruments.unit],
                "forward_usd": self.forward_usd,
                "discount": self.discount,
                "vol": self.vol,
                "mark_usd": self.mark_usd,
            }
        )


_SUMMARY_DTYPE: dict[str, Any] = {
    "unit": object, "settlement": object, "expiry": object, "n_options": np.int64,
    "n_futures": np.int64,
}  # fmt: skip


def read_chain(
    *paths: str | os.PathLike[str],
    now: Any = None,
    index: Mapping[str, float] | None = None,
    tolerance_frac: float = TOLERANCE_FRAC,
) -> Market:
    """One snapshot from saved files, whatever each of them is.

    Parameters
    ----------
    *paths
        Saved answers of Deribit's public API (`get_instruments`, `get_book_summary_by_currency`,
        `ticker`), captures that wrap several of them, or CSV files of joined answers; several
        files and currencies become one market.
    now : int, datetime or numpy.datetime64, optional
        Nanoseconds since 1970 UTC; default the latest time stamp in the quotes.
    index : mapping of unit to USD price, optional
    tolerance_frac : float
        As in `Market.from_table`.

    Raises
    ------
    FileError
        Names the file, the row and the field.
    """
    from margin_core.adapters.deribit import market_from_files

    if not paths:
        raise ArgumentError("no file to read")
    return market_from_files(paths, now=now, index=index, tolerance_frac=tolerance_frac)


def _vol_at(strikes: NDArray[np.float64], vols: NDArray[np.float64], forward: float) -> float:
    """Volatility at the forward, linear between the nearest strikes; NaN without options."""
    if strikes.size == 0:
        return float("nan")
    unique, where = np.unique(strikes, return_inverse=True)
    mean = np.bincount(where, vols) / np.bincount(where)
    return float(np.interp(forward, unique, mean))


def as_ns(now: Any) -> int:
    """An instant as nanoseconds since 1970 UTC."""
    if isinstance(now, datetime):
        if now.tzinfo is None:
            raise ArgumentError(f"now has no time zone: {now}")
        past = now - datetime(1970, 1, 1, tzinfo=UTC)
        now = (past.days * 86_400 + past.seconds) * 1_000_000_000 + past.microseconds * 1_000
    if isinstance(now, np.datetime64):
        now = int(now.astype("datetime64[ns]").astype(np.int64))
    if isinstance(now, bool) or not isinstance(now, (int, np.integer)):
        raise ArgumentError(
            f"now is an int of nanoseconds, a datetime or a datetime64, got {now!r:.60}"
        )
    if not 0 < int(now) < 1 << 63:
        raise DomainError(f"now is {now}; it is nanoseconds since 1970")
    return int(now)
