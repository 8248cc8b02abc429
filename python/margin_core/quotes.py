# SPDX-License-Identifier: Apache-2.0
"""From quotes to a snapshot: which number is taken where several, or none, are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from margin_core.elementary import exp, log
from margin_core.errors import ArgumentError, FileError, NoSolutionError
from margin_core.instruments import DOLLARS, Instruments, Kind, default_step, parse_name
from margin_core.market import NS_PER_YEAR, TOLERANCE_FRAC, Market, no_findings
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.origin import Origin

__all__ = ["QUOTES", "Findings", "snapshot"]

#: What a snapshot is made from, per instrument; NaN where the source says nothing. Prices are in
#: the venue's own unit: coin for inverse options, the quote currency for everything else.
QUOTES = ("forward", "vol", "mark_price", "bid_price", "ask_price", "index_price", "rate",
          "mark_usd", "quote_ns")  # fmt: skip

#: Beyond these a quote is a fault of its source: a price that no currency has, a rate or a
#: volatility that leaves nothing of float64 to compute with.
MAX_PRICE, MIN_PRICE = 1e15, 1e-15
MAX_RATE = 10.0
MAX_VOL = 100.0

#: A volatility above is legal but most likely a percentage.
ODD_VOL = 10.0

# Half of the last digit that Deribit publishes: volatility to 0.01 point, coin prices to 4
# decimals. Linear prices are taken to be as coarse, as a fraction of the forward.
_VOL_ROUNDING = 0.5e-4
_PRICE_ROUNDING = 0.5e-4


class Findings:
    """Collects what was odd; one entry an instrument and field."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str, str, str, str]] = []

    def add(self, row: int, name: str, column: str, message: str, severity: str) -> None:
        self.entries.append((row, name, column, message, severity))

    def table(self) -> Table:
        if not self.entries:
            return no_findings()
        row, *texts = zip(*self.entries, strict=True)
        columns = {"row": np.array(row, dtype=np.int64)}
        names = ("instrument", "field", "message", "severity")
        columns.update(
            {n: np.array(text, dtype=object) for n, text in zip(names, texts, strict=True)}
        )
        return Table(columns)


def snapshot(
    instruments: Instruments,
    quotes: Mapping[str, NDArray[np.float64]],
    *,
    now_ns: int,
    index: Mapping[str, float] | None,
    origin: Origin,
    tolerance_frac: float = TOLERANCE_FRAC,
    findings: Findings | None = None,
) -> Market:
    """A market from quotes: `QUOTES` columns, NaN where there is no value; spot rows are added."""
    return _Builder(
        instruments, quotes, now_ns, dict(index or {}), origin, tolerance_frac,
        findings or Findings(),
    ).build()  # fmt: skip


class _Builder:
    """The steps from quotes to a snapshot, in the order they depend on each other."""

    def __init__(
        self,
        instruments: Instruments,
        quotes: Mapping[str, NDArray[np.float64]],
        now_ns: int,
        index: dict[str, float],
        origin: Origin,
        tolerance_frac: float,
        findings: Findings,
    ) -> None:
        n_given = len(instruments)
        self.instruments = _with_spot_rows(instruments, index)
        n = len(self.instruments)
        self.quotes: dict[str, NDArray[np.float64]] = {}
        for name in QUOTES:
            column = np.full(n, np.nan)
            if name in quotes:
                column[:n_given] = quotes[name]
            self.quotes[name] = column
        self.now_ns = now_ns
        self.index = index
        self.origin = origin
        self.tolerance_frac = tolerance_frac
        self.findings = findings
        self.n_given = n_given
        self.is_option = self.instruments.is_option()
        self.is_spot = self.instruments.kind == Kind.SPOT

    def build(self) -> Market:
        self.check_quotes()
        index_usd = self.read_index()
        unit_of = {unit: i for i, unit in enumerate(self.instruments.units)}
        currency_usd = index_usd[[unit_of[c] for c in self.instruments.currencies]]
        linear = ~self.instruments.inverse & ~self.is_spot
        quote_usd = np.where(linear, currency_usd[self.instruments.settlement], 1.0)

        forward = self.read_forward(index_usd)
        years = np.maximum(self.instruments.expiry_ns - self.now_ns, 0) / NS_PER_YEAR
        rate = np.nan_to_num(self.quotes["rate"], nan=0.0)
        discount = exp(-rate * years * self.is_option)
        vol = self.read_vol(forward, years, discount)
        mark_usd = self.read_mark(index_usd, quote_usd, forward, years, discount, vol)
        self.look_at_books()
        self.look_at_marks(forward, discount)
        return Market(
            now_ns=self.now_ns,
            instruments=self.instruments,
            index_usd=index_usd,
            forward_usd=forward,
            discount=discount,
            vol=vol,
            mark_usd=mark_usd,
            findings=self.findings.table(),
        )

    # Small tools

    def fail(self, i: int, column: str, why: str) -> FileError:
        about = f"{self.instruments.name[i]}: {why}"
        if i >= self.n_given:  # a spot row that was added here
            return FileError(f"{self.origin.labels[0]}, {column}: {about}")
        return FileError(f"{self.origin.at(i, column)}: {about}", row=i)

    def fail_where(self, bad: NDArray[np.bool_], column: str, why: str) -> None:
        if bad.any():
            i = int(np.argmax(bad))
            value = self.quotes[column][i]
            raise self.fail(i, column, why if np.isnan(value) else f"{why}, got {value:g}")

    def note(self, rows: NDArray[np.intp] | int, column: str, message: str, severity: str) -> None:
        for i in np.atleast_1d(rows).tolist():
            self.findings.add(i, self.instruments.name[i], column, message, severity)

    def groups(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """`rows` by unit, settlement and expiry."""
        if rows.size == 0:
            return []
        keys = np.stack([self.instruments.unit[rows], self.instruments.settlement[rows],
                         self.instruments.expiry_ns[rows]], axis=1)  # fmt: skip
        _, group_of = np.unique(keys, axis=0, return_inverse=True)
        group_of = np.ravel(group_of)
        order = np.argsort(group_of, kind="stable")
        return np.split(rows[order], np.flatnonzero(np.diff(group_of[order])) + 1)

    # Steps

    def check_quotes(self) -> None:
        dated = self.instruments.expiry_ns > 0
        expired = dated & (self.instruments.expiry_ns <= self.now_ns)
        if expired.any():
            i = int(np.argmax(expired))
            instant = np.datetime64(self.now_ns, "ns").astype("datetime64[s]")
            raise self.fail(i, "expiry", f"has expired at {instant}Z")
        for column, values in self.quotes.items():
            self.fail_where(np.isinf(values), column, "not finite")
        for column in ("vol", "mark_price", "bid_price", "ask_price"):
            self.fail_where(self.quotes[column] < 0, column, "must not be negative")
        for column in ("forward", "index_price"):
            self.fail_where(self.quotes[column] <= 0, column, "must be positive")
        for column in ("forward", "index_price", "mark_price", "bid_price", "ask_price"):
            self.fail_where(self.quotes[column] > MAX_PRICE, column, f"above {MAX_PRICE:g}")
        for column in ("forward", "index_price"):
            self.fail_where(self.quotes[column] < MIN_PRICE, column, f"below {MIN_PRICE:g}")
        self.fail_where(~self.is_option & (self.quotes["mark_price"] > 0)
                        & (self.quotes["mark_price"] < MIN_PRICE), "mark_price",
                        f"below {MIN_PRICE:g}")  # fmt: skip
        self.fail_where(np.abs(self.quotes["mark_usd"]) > MAX_PRICE, "mark_usd",
                        f"beyond {MAX_PRICE:g}")  # fmt: skip
        self.fail_where(np.abs(self.quotes["rate"]) > MAX_RATE, "rate",
                        f"beyond {MAX_RATE:g} a year")  # fmt: skip
        self.fail_where(self.quotes["vol"] > MAX_VOL, "vol", f"above {MAX_VOL:g}")
        self.fail_where((self.quotes["mark_price"] == 0) & ~self.is_option, "mark_price",
                        "must be positive")  # fmt: skip

    def read_index(self) -> NDArray[np.float64]:
        units = self.instruments.units
        for unit, price in self.index.items():
            number = isinstance(price, (int, float, np.number)) and not isinstance(price, bool)
            if not (number and MIN_PRICE <= price <= MAX_PRICE):
                raise ArgumentError(f"index of {unit}: must be a positive number, got {price!r}")
        index_usd = np.full(len(units), np.nan)
        # dollars first: a linear contract's index is in them
        for u in sorted(range(len(units)), key=lambda u: units[u] not in DOLLARS):
            name = units[u]
            if name in self.index:
                index_usd[u] = self.index[name]
                continue
            own = np.flatnonzero((self.instruments.unit == u) & self.is_spot)
            quoted = self.quotes["forward"][own]
            quoted = np.where(np.isnan(quoted), self.quotes["mark_price"][own], quoted)
            if not np.isnan(quoted).all():
                index_usd[u] = quoted[~np.isnan(quoted)][0]
                continue
            rows = np.flatnonzero(
                (self.instruments.unit == u) & ~np.isnan(self.quotes["index_price"])
            )
            inverse = rows[self.instruments.inverse[rows]]  # their index is in USD itself
            rows = inverse if inverse.size else rows
            if rows.size:
                index_usd[u] = self.middle(rows, self.in_usd(rows, index_usd), "index_price")
            elif name in DOLLARS:
                index_usd[u] = 1.0
                if name != "USD":
                    self.note(own, "index_usd", f"price of {name} assumed to be 1.0 USD", "info")
            else:
                settled = [currency == name for currency in self.instruments.currencies]
                of = self.instruments.unit == u
                first = np.argmax(of | np.array(settled)[self.instruments.settlement])
                raise self.fail(
                    int(first), "index_price",
                    f"no index price of {name}; give index={{{name!r}: ...}} or --index {name}=...",
                )  # fmt: skip
        return index_usd

    def in_usd(self, rows: NDArray[np.intp], index_usd: NDArray[np.float64]) -> NDArray[np.float64]:
        values = self.quotes["index_price"][rows].copy()
        for k, i in enumerate(rows):
            if not self.instruments.inverse[i] and not self.is_spot[i]:
                currency = self.instruments.currencies[self.instruments.settlement[i]]
                values[k] *= index_usd[self.instruments.units.index(currency)]
        return values

    def middle(self, rows: NDArray[np.intp], values: NDArray[np.float64], column: str) -> float:
        """The median of one quantity seen several times; too far apart is an error."""
        value = float(np.median(values))
        off = np.abs(values / value - 1.0)
        if off.max() > self.tolerance_frac:
            i = int(rows[np.argmax(off)])
            raise self.fail(
                i, column,
                f"{values[np.argmax(off)]:g} where others say {value:g}, "
                f"further apart than {self.tolerance_frac:g}",
            )  # fmt: skip
        if off.max() > 0:
            spread = (values.max() - values.min()) / value * 1e4
            self.note(
                int(rows[0]), column,
                f"{rows.size} quotes lie {spread:.2g} bp apart; their median {value:g} is taken",
                "info",
            )  # fmt: skip
        return value

    def read_forward(self, index_usd: NDArray[np.float64]) -> NDArray[np.float64]:
        forward = self.quotes["forward"].copy()
        forward[self.is_spot] = index_usd[self.instruments.unit[self.is_spot]]
        contract = ~self.is_spot & ~self.is_option
        mark = self.quotes["mark_price"]
        # the mark of a future is its forward; a table may give either
        forward = np.where(contract & ~np.isnan(mark), mark, forward)
        mid = (self.quotes["bid_price"] + self.quotes["ask_price"]) / 2
        by_mid = contract & np.isnan(forward) & (self.quotes["bid_price"] > 0) & (mid > 0)
        forward[by_mid] = mid[by_mid]
        self.note(np.flatnonzero(by_mid), "mark_price", "no mark price; the mid is taken", "info")
        self.fail_where(contract & np.isnan(forward), "forward", "no mark price")

        for rows in self.groups(np.flatnonzero(self.is_option)):
            given = rows[~np.isnan(forward[rows])]
            if given.size:
                forward[rows] = self.middle(given, forward[given], "forward")
            else:
                forward[rows] = self.forward_without_quote(rows, forward)
        return forward

    def forward_without_quote(self, rows: NDArray[np.intp], forward: NDArray[np.float64]) -> float:
        instruments = self.instruments
        first = int(rows[0])
        future = np.flatnonzero(
            (instruments.kind == Kind.FUTURE)
            & (instruments.unit == instruments.unit[first])
            & (instruments.settlement == instruments.settlement[first])
            & (instruments.expiry_ns == instruments.expiry_ns[first])
        )
        if future.size:
            name = instruments.name[future[0]]
            self.note(first, "forward", f"no forward for the expiry; mark of {name} taken", "info")
            return float(forward[future[0]])
        parity = self.forward_by_parity(rows)
        if parity is None:
            raise self.fail(
                first, "forward",
                "no forward: neither a quote, nor a future of the expiry, nor a strike with a "
                "call's and a put's mark",
            )  # fmt: skip
        value, strike = parity
        self.note(
            first, "forward",
            f"no forward for the expiry; {value:g} by put-call parity at strike {strike:g}", "info",
        )  # fmt: skip
        return value

    def forward_by_parity(self, rows: NDArray[np.intp]) -> tuple[float, float] | None:
        """Forward where call and put cost most nearly the same."""
        instruments = self.instruments
        mark = self.quotes["mark_price"]
        usable = rows[~np.isnan(mark[rows])]
        calls = usable[instruments.kind[usable] == Kind.CALL]
        puts = usable[instruments.kind[usable] == Kind.PUT]
        strikes, at_call, at_put = np.intersect1d(
            instruments.strike[calls], instruments.strike[puts], return_indices=True
        )
        if strikes.size == 0:
            return None
        gap = mark[calls[at_call]] - mark[puts[at_put]]
        if instruments.inverse[rows[0]]:
            gap = np.where(gap < 1.0, gap, np.nan)
            at_strike = strikes / (1.0 - gap)
            distance = np.abs(gap)
        else:
            years = (instruments.expiry_ns[rows[0]] - self.now_ns) / NS_PER_YEAR
            rate = self.quotes["rate"][calls[at_call]]
            at_strike = strikes + gap * exp(np.nan_to_num(rate) * years)
            distance = np.abs(gap) / strikes
        usable_strikes = np.isfinite(at_strike) & (at_strike > 0)
        if not usable_strikes.any():
            return None
        best = int(np.argmin(np.where(usable_strikes, distance, np.inf)))
        return float(at_strike[best]), float(strikes[best])

    def read_vol(
        self,
        forward: NDArray[np.float64],
        years: NDArray[np.float64],
        discount: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        vol = np.where(self.is_option, self.quotes["vol"], 0.0)
        vol[self.is_option & (vol == 0)] = np.nan  # a venue without a volatility says 0
        self.note(np.flatnonzero(vol > ODD_VOL), "vol", "above 1000 %; it is a fraction, 0.5 is "
                  "50 %", "warning")  # fmt: skip
        missing = np.flatnonzero(np.isnan(vol))
        priced = missing[~np.isnan(self.quotes["mark_price"][missing])]
        if priced.size:
            vol[priced] = self.invert(priced, forward, years, discount)
        left = np.flatnonzero(np.isnan(vol))
        if left.size:
            self.fill_vol(left, vol, forward)
        return vol

    def invert(
        self,
        rows: NDArray[np.intp],
        forward: NDArray[np.float64],
        years: NDArray[np.float64],
        discount: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Volatility in the mark price; NaN where there is none."""
        from margin_core.pricing import implied_vol

        price = self.quotes["mark_price"][rows].copy()
        inverse = self.instruments.inverse[rows]
        price[inverse] *= forward[rows][inverse]
        out = np.full(rows.size, np.nan)
        strike = self.instruments.strike[rows]
        call = self.instruments.kind[rows] == Kind.CALL
        value = np.where(call, forward[rows] - strike, strike - forward[rows])
        lowest = discount[rows] * np.maximum(value, 0.0)
        highest = discount[rows] * np.where(call, forward[rows], strike)
        # Most prices without a volatility are outside these; the core names the others one by one.
        todo = np.flatnonzero((price > lowest) & (price < highest))
        while todo.size:
            at = rows[todo]
            try:
                out[todo] = implied_vol(
                    price[todo], forward[at], self.instruments.strike[at], years[at],
                    discount=discount[at], is_call=self.instruments.kind[at] == Kind.CALL,
                )  # fmt: skip
                break
            except NoSolutionError as error:
                if error.row is None:
                    raise
                todo = np.delete(todo, error.row)
        out[out == 0] = np.nan
        return out

    def fill_vol(
        self, left: NDArray[np.intp], vol: NDArray[np.float64], forward: NDArray[np.float64]
    ) -> None:
        """Volatility of the nearest strikes of the same expiry."""
        instruments = self.instruments
        known = self.is_option & ~np.isnan(vol)
        filled = vol.copy()
        for rows in self.groups(np.flatnonzero(self.is_option)):
            need = rows[np.isnan(vol[rows])]
            have = rows[known[rows]]
            if not need.size:
                continue
            if not have.size:
                raise self.fail(
                    int(need[0]), "vol",
                    "neither a volatility nor a mark price that has one, in the whole expiry",
                )  # fmt: skip
            strikes = np.unique(instruments.strike[have])
            sums = np.bincount(np.searchsorted(strikes, instruments.strike[have]), vol[have])
            counts = np.bincount(np.searchsorted(strikes, instruments.strike[have]))
            filled[need] = np.interp(log(instruments.strike[need]), log(strikes),
                                     sums / counts)  # fmt: skip
            self.note(need, "vol", "no volatility in the quote; interpolated between the nearest "
                      "strikes of the expiry", "warning")  # fmt: skip
        vol[left] = filled[left]

    def read_mark(
        self,
        index_usd: NDArray[np.float64],
        quote_usd: NDArray[np.float64],
        forward: NDArray[np.float64],
        years: NDArray[np.float64],
        discount: NDArray[np.float64],
        vol: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        instruments = self.instruments
        spot = index_usd[instruments.unit]
        size = instruments.contract_size
        price = self.quotes["mark_price"].copy()
        unmarked = np.flatnonzero(
            self.is_option & np.isnan(price) & np.isnan(self.quotes["mark_usd"])
        )
        if unmarked.size:
            from margin_core.pricing import black76

            model = black76(
                forward[unmarked], instruments.strike[unmarked], years[unmarked], vol[unmarked],
                discount=discount[unmarked], is_call=instruments.kind[unmarked] == Kind.CALL,
                greeks="price",
            ).price  # fmt: skip
            inverse = instruments.inverse[unmarked]
            price[unmarked] = np.where(inverse, model / forward[unmarked], model)
            self.note(unmarked, "mark_price", "no mark price; the model's value is taken", "info")
        inverse_future = instruments.inverse & ~self.is_option
        mark = np.where(
            self.is_spot,
            spot,
            np.where(
                inverse_future,
                -size * spot / forward,
                np.where(
                    self.is_option,
                    price * size * np.where(instruments.inverse, spot, quote_usd),
                    forward * size * quote_usd,
                ),
            ),
        )
        return np.where(np.isnan(self.quotes["mark_usd"]), mark, self.quotes["mark_usd"])

    def look_at_books(self) -> None:
        """What a careful reader would ask about the order books."""
        bid, ask = self.quotes["bid_price"], self.quotes["ask_price"]
        mark = self.quotes["mark_price"]
        has_bid, has_ask = np.nan_to_num(bid) > 0, np.nan_to_num(ask) > 0
        two_sided = has_bid & has_ask
        crossed = two_sided & (bid > ask)
        quoted = ~(np.isnan(bid) & np.isnan(ask)) & ~self.is_spot
        self.note(np.flatnonzero(crossed), "bid_price", "the bid is above the ask", "warning")
        # A rounded mark may stand half a digit outside.
        slack = np.where(self.is_option & self.instruments.inverse, _PRICE_ROUNDING, 0.0)
        outside = (has_bid & (mark < bid - slack)) | (has_ask & (mark > ask + slack))
        outside &= ~crossed
        message = "the mark lies outside bid and ask"
        self.note(np.flatnonzero(outside & self.is_option), "mark_price", message, "warning")
        # A future's mark follows an average of its basis and often leaves a tight book.
        self.note(np.flatnonzero(outside & ~self.is_option), "mark_price", message, "info")
        self.note(np.flatnonzero(quoted & ~two_sided), "ask_price",
                  "no two-sided quote", "info")  # fmt: skip

    def look_at_marks(self, forward: NDArray[np.float64], discount: NDArray[np.float64]) -> None:
        """Whether mark and volatility of a quote mean the same price, at the quote's own time."""
        instruments, quotes = self.instruments, self.quotes
        rows = np.flatnonzero(
            self.is_option & (quotes["vol"] > 0) & ~np.isnan(quotes["mark_price"])
        )
        if not rows.size:
            return
        from margin_core.pricing import black76

        own = np.where(np.isnan(quotes["forward"]), forward, quotes["forward"])[rows]
        at_ns = np.where(np.isnan(quotes["quote_ns"]), self.now_ns, quotes["quote_ns"])[rows]
        years = np.maximum(instruments.expiry_ns[rows] - at_ns, 0) / NS_PER_YEAR
        model = black76(
            own, instruments.strike[rows], years, quotes["vol"][rows],
            discount=discount[rows], is_call=instruments.kind[rows] == Kind.CALL,
            greeks=("price", "delta", "vega"),
        )  # fmt: skip
        inverse = instruments.inverse[rows]
        gap = quotes["mark_price"][rows] * np.where(inverse, own, 1.0) - model.price
        # What a forward 1 USD off would do; an inverse mark is divided by it, too.
        slope = model.delta - np.where(inverse, model.price / own, 0.0)
        rounding = _PRICE_ROUNDING * own + _VOL_ROUNDING * model.vega
        at = np.full(len(instruments), -1)
        at[rows] = np.arange(rows.size)
        for group in self.groups(rows):
            k = at[group]
            # A ticker's mark and forward are not of one moment; the forwards' spread says how far.
            allowed = 1.01 * rounding[k] + np.ptp(own[k]) * np.abs(slope[k])
            off = np.abs(gap[k]) > allowed
            if off.sum() >= 3:
                off &= ~self.other_forward(group, gap[k], slope[k], allowed)
            for i, g, limit in zip(group[off], gap[k][off], allowed[off], strict=True):
                self.note(int(i), "vol", f"mark and volatility disagree by {g:.3g} in the quote "
                          f"currency; rounding explains {limit:.2g}", "warning")  # fmt: skip

    def other_forward(
        self,
        group: NDArray[np.intp],
        gap: NDArray[np.float64],
        slope: NDArray[np.float64],
        allowed: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """True where one other forward for the expiry makes mark and volatility agree.

        Venues mark an expiry without a future of its own off a forward that they do not publish.
        """
        steep = np.abs(slope) > 0.5
        if steep.sum() < 3:
            return np.zeros(group.size, dtype=np.bool_)
        shift = float(np.median(gap[steep] / slope[steep]))
        explained = np.abs(gap - shift * slope) <= allowed
        if explained.sum() <= (np.abs(gap) <= allowed).sum():
            return np.zeros(group.size, dtype=np.bool_)
        self.note(int(group[0]), "forward", f"the expiry's marks and volatilities mean a forward "
                  f"{shift:+.4g} from the quoted one", "warning")  # fmt: skip
        return explained


def _with_spot_rows(instruments: Instruments, index: Iterable[str]) -> Instruments:
    """`instruments` and a spot row for each unit, settlement currency and priced currency."""
    have = {instruments.name[i] for i in np.flatnonzero(instruments.kind == Kind.SPOT)}
    needed = dict.fromkeys((*instruments.units, *instruments.currencies, *index))
    missing = [parse_name(name) for name in needed if name not in have]
    for terms in missing:
        if terms.kind is not Kind.SPOT:
            raise ArgumentError(f"index holds prices of currencies; {terms.name} is not one")
    if not missing:
        return instruments
    spots = Instruments.from_terms(missing, step=[default_step(terms) for terms in missing])
    return Instruments.concat([instruments, spots])
