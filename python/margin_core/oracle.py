# SPDX-License-Identifier: Apache-2.0
"""Quotes of several sources into one guarded price: its band, its validity, and why."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _oracle
from margin_core.checks import is_a, real, whole
from margin_core.errors import ArgumentError, DomainError, MarginCoreError
from margin_core.isa import as_threads
from margin_core.oracle_records import (
    KINDS,
    NO_DECIMALS,
    QUOTE,
    READING,
    SOURCE,
    STABLE,
    STATE,
    as_bytes,
    as_int64,
    currency_code,
    currency_tag,
    ladder_record,
    rule_record,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from margin_core.oracle_model import OracleModel

INT32 = (-(1 << 31), (1 << 31) - 1)

__all__ = ["Feed", "OracleReading", "OracleState", "Quote", "Source", "StablePrice",
           "compose_readings"]  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One place that a feed asks, and what it expects of its quotes.

    Attributes
    ----------
    name : str
    kind : str
        "venue" (a market with a book), "publisher" (an aggregate of others) or "contract" (a
        contract's own exchange rate).
    decimals : int
        Of its prices; a quote that says otherwise is refused.
    depth_usd : float
        Most depth that counts; of a publisher or contract, its depth.
    floor, ceiling : float
        Bounds that its price cannot pass, such as a feed's `minAnswer`: at one it says nothing.
    """

    name: str
    kind: str = "venue"
    decimals: int = 8
    depth_usd: float = 1e7
    floor: float = 0.0
    ceiling: float = math.inf


@dataclass(frozen=True)
class Quote:
    """A price as a source says it: mantissa x 10^-decimals of `quote` for 1.0 of `base`.

    Attributes
    ----------
    source, base, quote : str
    mantissa : int
    decimals : int or None
        None is an error when it is used: a price without a scale is none.
    time_ns : int
        When the source says this was its price, nanoseconds since 1970 UTC.
    confidence : int
        Half width of the source's own band in the same decimals; 0: none reported.
    executed_usd, displayed_usd : float
        Venues: traded in the depth window, and resting in the book now.
    kind : str
    """

    source: str
    base: str
    quote: str
    mantissa: int
    decimals: int | None
    time_ns: int
    confidence: int = 0
    executed_usd: float = 0.0
    displayed_usd: float = 0.0
    kind: str = "venue"


@dataclass(frozen=True)
class OracleReading:
    """What is known of a price.

    Attributes
    ----------
    base, quote : str
    price : float
        The last accepted one, now or earlier; 0.0 where there never was one.
    low, high : float
        The confidence band, 0 < low <= price <= high.
    stable : float
        The slow price that new credit may count on.
    median : float
        Of the sources that answer, accepted or not; 0.0: none.
    depth_usd : float
        Of the sources that answer and agree: least of decayed, executed and displayed.
    time_ns : int
        A quorum of sources has spoken since; of a composed price, its oldest leg's.
    now_ns : int
        When it was made; a composed one, its oldest leg. `at` says how it stands later.
    validity : str
        The ladder's class.
    reasons : tuple of str
        Why it is not simply valid, and what was odd about sources.
    answered, agreed : tuple of str
        Sources that took part, and those that are no outliers.
    """

    base: str
    quote: str
    price: float
    low: float
    high: float
    stable: float
    median: float
    depth_usd: float
    time_ns: int
    now_ns: int
    validity: str
    reasons: tuple[str, ...]
    answered: tuple[str, ...]
    agreed: tuple[str, ...]
    record: NDArray[Any] = field(repr=False, compare=False)
    ladder: NDArray[Any] = field(repr=False, compare=False)
    model: OracleModel = field(repr=False, compare=False)

    def at(self, now_ns: int) -> OracleReading:
        """The same reading at a later instant: old or stale by the model's ages since it was made.

        Before that instant, and without a price, it is what it was.
        """
        if now_ns <= self.now_ns or not self.price:
            return self
        aged = compose_readings(self.base, self.quote, [self], now=now_ns, model=self.model)
        return replace(aged, answered=self.answered, agreed=self.agreed)

    @property
    def confidence_frac(self) -> float:
        """Half width of the band as a fraction of the price, the wider side; 0 without a price."""
        return max(self.high / self.price - 1.0, 1.0 - self.low / self.price) if self.price else 0.0

    def allows(self, action: str) -> bool:
        """Whether the ladder lets an action through; see `oracle_model.ACTIONS`."""
        return self._price_for(action, 1.0)[0]

    def price_for(self, action: str, *, owed: bool = False) -> float | None:
        """What the action counts 1.0 of `base` at, owned or owed; None where it is refused."""
        allowed, price = self._price_for(action, -1.0 if owed else 1.0)
        return price if allowed else None

    def _price_for(self, action: str, owned: float) -> tuple[bool, float]:
        allowed, price = prices(self.ladder, self.record, [owned], action)
        return bool(allowed[0]), float(price[0])

    def clamped(self, mark: float, basis_frac: float) -> float:
        """A mark price kept within `basis_frac` of the band, so that neither a moved mark nor a
        moved index alone decides what a contract is worth."""
        mark, basis_frac = real("mark", mark), real("basis_frac", basis_frac)
        if not (math.isfinite(mark) and math.isfinite(basis_frac) and basis_frac >= 0.0):
            raise DomainError(f"mark {mark} or basis_frac {basis_frac} cannot be")
        return min(max(mark, self.low * (1.0 - basis_frac)), self.high * (1.0 + basis_frac))


class OracleState:
    """All that a feed remembers: immutable; keep the last one and pass it to the next update."""

    def __init__(self, record: NDArray[Any] | None = None) -> None:
        self._record = np.zeros(1, STATE) if record is None else record
        self._record.flags.writeable = False

    @property
    def price(self) -> float:
        """The last accepted price; 0.0 before the first."""
        return float(self._record["price"][0])

    @property
    def now_ns(self) -> int:
        """When the last update was; 0 before the first."""
        return int(self._record["now_ns"][0])

    def to_bytes(self) -> bytes:
        """As the core has it, for a log or a snapshot; the layout is this version's."""
        return self._record.tobytes()

    @classmethod
    def from_bytes(cls, raw: bytes) -> OracleState:
        """What `to_bytes` gave.

        Raises
        ------
        ArgumentError
            Another number of bytes.
        """
        if len(raw) != STATE.itemsize:
            raise ArgumentError(f"a state has {STATE.itemsize} bytes, not {len(raw)}")
        return cls(np.frombuffer(raw, STATE).copy())


class Feed:
    """One price, the sources it is asked of, and the rule that guards it.

    Parameters
    ----------
    base, quote : str
        Currencies, at most 8 ASCII characters: so many `quote` for 1.0 `base`.
    sources : sequence of Source
        All that are configured; the quorum counts these, not those that happen to answer.
    model : str, path or OracleModel
        See `load_oracle_model`.
    quorum : int, optional
        How many must answer: more than half; default that, and at least 3.
    tolerated : int, optional
        Faulty sources that cannot move the price beyond the others'; less than half the quorum,
        default the most possible.

    Raises
    ------
    ArgumentError, DomainError, RowOrderError
        Sources that cannot be, an id twice, a quorum that is no majority.

    Examples
    --------
    >>> feed = Feed("ETH", "USD", [Source(name) for name in ("a", "b", "c", "d")])
    >>> feed.quorum, feed.tolerated
    (3, 1)
    """

    def __init__(
        self,
        base: str,
        quote: str,
        sources: Sequence[Source],
        *,
        model: str | os.PathLike[str] | OracleModel = "house",
        quorum: int | None = None,
        tolerated: int | None = None,
    ) -> None:
        from margin_core.oracle_model import load_oracle_model

        self.base, self.quote = base, quote
        self.sources = tuple(sources)
        for i, source in enumerate(self.sources):
            is_a(f"sources[{i}]", source, Source, i)
            is_a(f"sources[{i}].name", source.name, str, i)
        self.model = load_oracle_model(model)
        self.quorum = (
            max(3, len(self.sources) // 2 + 1)
            if quorum is None
            else whole("quorum", quorum, *INT32)
        )
        self.tolerated = (
            (self.quorum - 1) // 2 if tolerated is None else whole("tolerated", tolerated, *INT32)
        )
        self.ids = {source.name: i for i, source in enumerate(self.sources)}
        if len(self.ids) < len(self.sources):
            raise ArgumentError("two sources of one name")
        self.ladder = ladder_record(self.model)
        self._core = _oracle.Feed(
            base=currency_tag(base),
            quote=currency_tag(quote),
            quorum=self.quorum,
            tolerated=self.tolerated,
            sources=as_bytes(_source_records(self.sources)),
            rule=as_bytes(rule_record(self.model)),
            ladder=as_bytes(self.ladder),
        )

    def __repr__(self) -> str:
        return (f"Feed({self.base}/{self.quote}; {len(self.sources)} sources, quorum "
                f"{self.quorum}, rule {self.model.name})")  # fmt: skip

    def update(
        self, state: OracleState, quotes: Iterable[Quote], now_ns: int
    ) -> tuple[OracleState, OracleReading]:
        """The next state and what it says; a pure function.

        Parameters
        ----------
        state : OracleState
            The last one; `OracleState()` at first.
        quotes : iterable of Quote
            The latest of every source that has one.
        now_ns : int

        Raises
        ------
        UnknownInstrumentError
            A source that is not the feed's.
        ArgumentError
            Another pair, kind or scale than the source's.
        DomainError
            No decimals, a negative confidence or depth, a quote from the future; what is to be
            whole is not, or is too large.
        NotFiniteError
            A depth that is no number.
        RowOrderError
            A source twice, or time that goes back.

        In each case `row` is the quote's place and `state` is still the last valid one: leave that
        quote out and call again.
        """
        is_a("state", state, OracleState)
        is_a("quotes", quotes, Iterable)
        after, reading = np.zeros(1, STATE), np.zeros(1, READING)
        _oracle.update(self._core, as_bytes(state._record), as_bytes(self.records(quotes)),
                       as_int64(now_ns, "now_ns"), as_bytes(after), as_bytes(reading))  # fmt: skip
        return OracleState(after), self.reading(reading)

    def update_without_refused(
        self, state: OracleState, quotes: Iterable[Quote], now_ns: int
    ) -> tuple[OracleState, OracleReading, list[MarginCoreError]]:
        """`update`, leaving out each quote that is refused; the refusals come back.

        Only what is wrong with a quote is caught: time that goes back is raised.
        """
        is_a("quotes", quotes, Iterable)
        left = list(quotes)
        refused: list[MarginCoreError] = []
        while True:
            try:
                return *self.update(state, left, now_ns), refused
            except MarginCoreError as error:
                if error.row is None:
                    raise
                refused.append(error)
                del left[error.row]

    def update_many(
        self,
        states: NDArray[Any],
        quotes: NDArray[Any],
        offset: ArrayLike,
        now_ns: ArrayLike,
        *,
        threads: int = 0,
    ) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Many states of this feed at once, in place; records as `QUOTE`, `STATE`, `READING` say.

        Parameters
        ----------
        states : (n,) of STATE
            Changed in place; a state whose quotes are refused stays.
        quotes : (offset[n],) of QUOTE
            State i takes rows offset[i] to offset[i + 1] - 1.
        offset : (n + 1,) int64
        now_ns : (n,) int64 or int

        Returns
        -------
        (n,) of READING, (n,) uint8
            Readings, zero where refused; and the core's status of each, 0 where it went through.
        """
        n = len(states)
        readings, statuses = np.zeros(n, READING), np.zeros(n, np.uint8)
        instants = np.asarray(now_ns)
        if instants.dtype.kind not in "iu":
            raise ArgumentError(f"now_ns holds {instants.dtype}, not whole nanoseconds")
        instants = np.ascontiguousarray(np.broadcast_to(instants.astype(np.int64), (n,)))
        for name, records, dtype in (("states", states, STATE), ("quotes", quotes, QUOTE)):
            if records.dtype != dtype or records.ndim != 1 or not records.flags.c_contiguous:
                raise ArgumentError(f"{name}: not a contiguous column of its records")
        _oracle.update_many(self._core, as_bytes(quotes), np.ascontiguousarray(offset, np.int64),
                            instants, as_threads(threads), as_bytes(states), as_bytes(readings),
                            statuses)  # fmt: skip
        return readings, statuses

    def prices(
        self, readings: NDArray[Any], owned: ArrayLike, action: str
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Whether an action goes through, and at what price, for many readings of this feed."""
        return prices(self.ladder, readings, owned, action)

    def records(self, quotes: Iterable[Quote]) -> NDArray[Any]:
        """Quotes as the core's records; a source it does not know gets a number it has not."""
        given = list(quotes)
        out = np.zeros(len(given), QUOTE)
        for row, q in enumerate(given):
            is_a(f"quotes[{row}]", q, Quote, row)
            if q.kind not in KINDS:
                raise ArgumentError(f"quote of {q.source}: no such kind: {q.kind!r:.40}", row=row)
            for name in ("mantissa", "confidence", "time_ns"):
                out[row][name] = as_int64(getattr(q, name), f"{name} of {q.source}", row)
            for name in ("executed_usd", "displayed_usd"):
                out[row][name] = real(f"{name} of {q.source}", getattr(q, name), row)
            out[row]["base"] = currency_tag(q.base, row)
            out[row]["quote"] = currency_tag(q.quote, row)
            known, unknown = isinstance(q.source, str), len(self.sources)
            out[row]["source"] = self.ids.get(q.source, unknown) if known else unknown
            out[row]["decimals"] = (
                NO_DECIMALS if q.decimals is None
                else whole(f"decimals of {q.source}", q.decimals, *INT32, row)
            )  # fmt: skip
            out[row]["kind"] = KINDS.index(q.kind)
        return out

    def reading(self, record: NDArray[Any]) -> OracleReading:
        """A reading in words; `record` is (1,) of READING."""
        return _reading(record, self.model, self.ladder, [s.name for s in self.sources])


def compose_readings(
    base: str,
    quote: str,
    legs: Sequence[OracleReading],
    *,
    inverted: Sequence[bool] | None = None,
    now: int | None = None,
    model: str | os.PathLike[str] | OracleModel = "house",
) -> OracleReading:
    """The price of `base` in `quote` along a chain of legs: A/B x B/C.

    Parameters
    ----------
    base, quote : str
    legs : sequence of OracleReading
    inverted : sequence of bool, optional
        Which legs are turned over.
    now : int, optional
        The instant, nanoseconds since 1970 UTC; by default when the newest leg was made.
    model : str, path or OracleModel
        Its ladder, its ages and its limit of the band hold for the composed price.

    Returns
    -------
    OracleReading
        Prices and bands multiply, reasons add up, the time is the oldest leg's; legs made too
        long before `now` are old or stale.

    Raises
    ------
    ArgumentError
        Legs that are no readings; currencies that do not meet (a leg dropped, upside down, of
        another pair), or a leg turned over twice; `row` is the leg.
    DomainError
        A leg without a price.
    RowOrderError
        A leg made after `now`.
    """
    from margin_core.oracle_model import load_oracle_model

    rule = load_oracle_model(model)
    is_a("legs", legs, (list, tuple))
    for row, leg in enumerate(legs):
        is_a("legs", leg, OracleReading, row=row)
    turned = [False] * len(legs) if inverted is None else list(inverted)
    if len(turned) != len(legs):
        raise ArgumentError(f"{len(turned)} entries of inverted for {len(legs)} legs")
    if base == quote:
        raise ArgumentError(f"{base} in itself needs no price")
    carrier = Feed(base, quote, [Source("legs")], model=rule, quorum=1)
    records = np.concatenate([leg.record for leg in legs]) if legs else np.zeros(0, READING)
    out = np.zeros(1, READING)
    newest = max((leg.now_ns for leg in legs), default=0)
    instant = newest if now is None else as_int64(now, "now")
    _oracle.compose(carrier._core, as_bytes(records), np.array(turned, np.uint8),
                    currency_tag(base), currency_tag(quote), instant, as_bytes(out))  # fmt: skip
    return _reading(out, rule, carrier.ladder, [])


class StablePrice:
    """The slow price on its own: it follows, at a limited rate, and so outlasts a pump.

    Parameters
    ----------
    model : str, path or OracleModel
        Where the limits come from; "mango_v4" has those of Mango v4.

    Examples
    --------
    >>> stable = StablePrice("mango_v4")
    >>> now = 1_700_000_000_000_000_000
    >>> stable.update(now, 1.0)
    1.0
    >>> round(stable.update(now + 60 * 10**9, 10.0), 3)
    1.018
    """

    def __init__(self, model: str | os.PathLike[str] | OracleModel = "mango_v4") -> None:
        from margin_core.oracle_model import load_oracle_model

        self._rule = rule_record(load_oracle_model(model))["stable"].copy()
        self._state = np.zeros(1, STABLE)

    def update(self, now_ns: int, price: float) -> float:
        """The stable price after seeing `price`.

        Raises
        ------
        NotFiniteError, DomainError
            A price that is no number, or not positive.
        RowOrderError
            Time that goes back.
        """
        now = as_int64(now_ns, "now_ns")
        _oracle.stable_price(as_bytes(self._rule), as_bytes(self._state), now, real("price", price))
        return float(self._state["price"][0])


def prices(
    ladder: NDArray[Any], readings: NDArray[Any], owned: ArrayLike, action: str
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """See `Feed.prices`; where refused the price is the adverse edge."""
    from margin_core.oracle_model import ACTIONS

    if action not in ACTIONS:
        raise ArgumentError(f"no such action: {action!r:.40}; there are {', '.join(ACTIONS)}")
    n = len(readings)
    held = np.ascontiguousarray(np.broadcast_to(np.asarray(owned, np.float64), (n,)))
    allowed, price = np.zeros(n, np.uint8), np.zeros(n)
    number = ACTIONS.index(action)
    _oracle.prices(as_bytes(ladder), as_bytes(readings), held, number, allowed, price)
    return allowed.astype(np.bool_), price


def _source_records(sources: Sequence[Source]) -> NDArray[Any]:
    out = np.zeros(len(sources), SOURCE)
    for i, s in enumerate(sources):
        if s.kind not in KINDS:
            raise ArgumentError(f"source {s.name}: no such kind: {s.kind!r:.40}", row=i)
        decimals = whole(f"decimals of source {s.name}", s.decimals, *INT32, i)
        limits = (real(f"{f} of source {s.name}", getattr(s, f), i)
                  for f in ("depth_usd", "floor", "ceiling"))  # fmt: skip
        out[i] = (i, decimals, KINDS.index(s.kind), 0, *limits)
    return out


def _reading(
    record: NDArray[Any], model: OracleModel, ladder: NDArray[Any], sources: list[str]
) -> OracleReading:
    from margin_core.oracle_model import REASONS

    r = record[0]

    def names(bits: int) -> tuple[str, ...]:
        return tuple(source for i, source in enumerate(sources) if bits >> i & 1)

    record.flags.writeable = False
    return OracleReading(
        base=currency_code(r["base"]),
        quote=currency_code(r["quote"]),
        price=float(r["price"]),
        low=float(r["low"]),
        high=float(r["high"]),
        stable=float(r["stable"]),
        median=float(r["median"]),
        depth_usd=float(r["depth_usd"]),
        time_ns=int(r["time_ns"]),
        now_ns=int(r["now_ns"]),
        validity=model.ladder[int(r["validity"])].name,
        reasons=tuple(word for i, word in enumerate(REASONS) if int(r["reasons"]) >> i & 1),
        answered=names(int(r["answered"])),
        agreed=names(int(r["agreed"])),
        record=record,
        ladder=ladder,
        model=model,
    )
