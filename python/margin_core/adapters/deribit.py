# SPDX-License-Identifier: Apache-2.0
"""Deribit's public API answers, saved or parsed, into a market.

Fields as in docs.deribit.com (API v2): public/get_instruments,
public/get_book_summary_by_currency, public/ticker; accessed 2026-11-22.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from margin_core.adapters.files import fail, read_json
from margin_core.errors import ArgumentError, FileError, UnknownInstrumentError
from margin_core.instruments import Instruments, Kind, Terms, default_step, parse_name
from margin_core.market import TOLERANCE_FRAC, Market, as_ns
from margin_core.origin import Origin, place
from margin_core.quotes import QUOTES, Findings, snapshot

__all__ = ["market_from_answers", "market_from_files"]

_MS = 1_000_000  # nanoseconds
_HOUR = 3_600_000_000_000
_NOT_HELD = ("spot", "option_combo", "future_combo", "combo")
#: Names of pairs (BTC_USDC) and of combinations (BTC-CS-27DEC24-90000_100000).
_PAIR_OR_COMBINATION = re.compile(r"[A-Z0-9]+_[A-Z0-9]+|[A-Z0-9_]+-(?!PERPETUAL)[A-Z]+[0-9]*-.+")


@dataclass
class _Record:
    """One record of an answer, and where it stands."""

    fields: Mapping[str, Any]
    source: str
    row: int
    line: int | None = None

    @property
    def place(self) -> str:
        return place(self.source, row=self.row, line=self.line)

    def fail(self, name: str, why: str) -> FileError:
        return fail(self.source, why, row=self.row, line=self.line, field=name)

    def text(self, name: str) -> str | None:
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise self.fail(name, f"{value!r:.60} is not text")
        return value

    def number(self, name: str) -> float:
        """NaN where the field is absent or null."""
        value = self.fields.get(name)
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.fail(name, f"{value!r:.60} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.fail(name, f"{value!r:.40} is not finite")
        return number

    def milliseconds(self, name: str) -> int | None:
        value = self.number(name)
        if math.isnan(value):
            return None
        if not 0 < value < 9e12 or value != int(value):
            raise self.fail(name, f"{value!r} is not a time in milliseconds")
        return int(value)

    def terms(self) -> Terms:
        name = self.text("instrument_name")
        if name is None:
            raise self.fail("instrument_name", "is missing")
        try:
            return parse_name(name)
        except UnknownInstrumentError as error:
            raise self.fail("instrument_name", str(error)) from None


@dataclass
class _Answers:
    """Everything read so far, by what it is, and what it was read from."""

    sources: list[str] = field(default_factory=list)
    instruments: list[_Record] = field(default_factory=list)
    summaries: list[_Record] = field(default_factory=list)
    tickers: list[_Record] = field(default_factory=list)


def market_from_answers(
    *,
    instruments: Any = None,
    summaries: Any = None,
    tickers: Any = None,
    now: Any = None,
    index: Mapping[str, float] | None = None,
    tolerance_frac: float = TOLERANCE_FRAC,
) -> Market:
    """See `Market.from_deribit`."""
    answers = _Answers()
    for name, given in (
        ("instruments", instruments), ("summaries", summaries), ("tickers", tickers)
    ):  # fmt: skip
        if given is not None:
            path = isinstance(given, (str, os.PathLike))
            answers.sources.append(os.fspath(given) if path else name)
            getattr(answers, name).extend(_records(given, name))
    if not answers.sources:
        raise ArgumentError("no answers: give summaries or tickers")
    return _market(answers, now, index, tolerance_frac)


def market_from_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    now: Any = None,
    index: Mapping[str, float] | None = None,
    tolerance_frac: float = TOLERANCE_FRAC,
) -> Market:
    """See `read_chain`."""
    answers = _Answers()
    for path in paths:
        label = os.fspath(path)
        answers.sources.append(label)
        suffix = os.path.splitext(label)[1].lower()
        if suffix == ".json":
            _sort_document(read_json(path), label, answers)
        elif suffix == ".csv":
            _sort_csv(path, label, answers)
        else:
            raise fail(label, "a saved chain ends in .json or .csv")
    return _market(answers, now, index, tolerance_frac)


# Recognising documents


def _records(given: Any, label: str) -> Iterator[_Record]:
    """Records of one argument of `from_deribit`, whatever form it has."""
    if given is None:
        return
    if isinstance(given, (str, os.PathLike)):
        yield from _records_of(read_json(given), os.fspath(given))
    elif isinstance(given, Mapping):
        yield from _records_of(given, label)
    elif isinstance(given, (list, tuple)):
        if all(isinstance(item, Mapping) and "instrument_name" in item for item in given):
            yield from _records_of(list(given), label)
        else:
            for k, item in enumerate(given):
                own = item if isinstance(item, (str, os.PathLike)) else None
                yield from _records(item, os.fspath(own) if own else f"{label}[{k}]")
    else:
        raise ArgumentError(f"{label}: expected an answer or a path, got {type(given).__name__}")


def _records_of(document: Any, label: str) -> Iterator[_Record]:
    """Records in an answer: its result is a list, one record, or records by name."""
    document = _result(document, label)
    if isinstance(document, Mapping):
        document = [document] if "instrument_name" in document else list(document.values())
    if not isinstance(document, list):
        raise fail(label, "expected a list of records")
    for row, record in enumerate(document):
        if isinstance(record, Mapping) and "instrument_name" not in record:
            record = _result(record, label)
        if not isinstance(record, Mapping):
            raise fail(label, f"a record is an object, got {type(record).__name__}", row=row)
        yield _Record(record, label, row)


def _result(document: Any, label: str) -> Any:
    """What an answer carries; the API's own errors are errors."""
    if not isinstance(document, Mapping):
        return document
    error = document.get("error")
    if error is not None:
        message = error.get("message", error) if isinstance(error, Mapping) else error
        raise fail(label, f"the API answered with an error: {message!s:.200}")
    return document.get("result", document)


def _sort_document(document: Any, label: str, answers: _Answers) -> None:
    """Put a saved document's records where they belong, by the fields they have."""
    if isinstance(document, Mapping) and {"instruments", "tickers"} <= set(document):
        answers.instruments.extend(_records_of(document["instruments"], f"{label} instruments"))
        answers.tickers.extend(_records_of(document["tickers"], f"{label} tickers"))
        return
    for record in _records_of(document, label):
        _sort_record(record, answers)


def _sort_record(record: _Record, answers: _Answers) -> None:
    fields = record.fields
    recognised = False
    if "kind" in fields and "min_trade_amount" in fields:
        answers.instruments.append(record)
        recognised = True
    if "best_bid_price" in fields or "best_ask_price" in fields:
        answers.tickers.append(record)
        recognised = True
    elif "mark_price" in fields:
        answers.summaries.append(record)
        recognised = True
    if not recognised:
        raise record.fail(
            "instrument_name", "neither an instrument, a book summary nor a ticker of Deribit's API"
        )


_TEXT_COLUMNS = frozenset({
    "instrument_name", "kind", "instrument_type", "option_type", "settlement_currency",
    "settlement_period", "base_currency", "counter_currency", "quote_currency", "price_index",
    "underlying_index", "future_type", "state", "state_x", "state_y",
})  # fmt: skip
_NUMBER_COLUMNS = (
    "expiration_timestamp", "strike", "min_trade_amount", "timestamp", "creation_timestamp",
    "index_price", "estimated_delivery_price", "mark_price", "mark_iv", "best_bid_price",
    "best_ask_price", "bid_price", "ask_price", "interest_rate", "underlying_price",
)  # fmt: skip


def _sort_csv(path: str | os.PathLike[str], label: str, answers: _Answers) -> None:
    from margin_core.adapters.tables import read_rows

    columns, origin = read_rows(
        path,
        required={"instrument_name": "str"},
        optional={
            **dict.fromkeys(sorted(_TEXT_COLUMNS - {"instrument_name"}), "str"),
            **dict.fromkeys(_NUMBER_COLUMNS, "float"),
            "is_active": "bool",
        },
        nullable=[*_TEXT_COLUMNS, *_NUMBER_COLUMNS],
    )
    lists = {name: column.tolist() for name, column in columns.items()}
    for row in range(len(columns["instrument_name"])):
        fields = {
            name: None if value != value else value
            for name, value in ((name, values[row]) for name, values in lists.items())
        }
        line = None if origin.line is None else int(origin.line[row])
        _sort_record(_Record(fields, label, row, line), answers)


# From records to a market

#: What Deribit calls the columns of `QUOTES`.
_FIELDS = {"forward": "underlying_price", "vol": "mark_iv", "rate": "interest_rate"}


def _market(
    answers: _Answers, now: Any, index: Mapping[str, float] | None, tolerance_frac: float
) -> Market:
    findings = Findings()
    listed = _listed(answers.instruments, findings)
    rows: dict[str, dict[str, float]] = {}
    terms_of: dict[str, Terms] = {}
    origins: dict[str, _Record] = {}
    latest = None
    for records, read in ((answers.summaries, _from_summary), (answers.tickers, _from_ticker)):
        seen: dict[str, _Record] = {}
        for record in records:
            if _is_no_instrument(record):
                continue
            terms = record.terms()
            if terms.name in seen:
                first = seen[terms.name]
                raise record.fail(
                    "instrument_name",
                    f"{terms.name} is already in {first.place}",
                )
            seen[terms.name] = record
            if terms.name in listed and listed[terms.name][1] is None:
                continue
            quote, stamp = read(record, terms)
            rows.setdefault(terms.name, {}).update(
                {key: value for key, value in quote.items() if not math.isnan(value)}
            )
            terms_of[terms.name] = terms
            origins[terms.name] = record
            if stamp is not None:
                latest = stamp if latest is None else max(latest, stamp)
    if not rows:
        beside = " beside the instruments" if answers.instruments else ""
        raise fail(
            ", ".join(answers.sources), f"no quotes: a book summary or tickers are needed{beside}"
        )

    for name, (_, step) in listed.items():
        if step is not None and name not in rows:
            findings.add(-1, name, "mark_price", "listed but not quoted: left out", "info")
    if now is None:
        if latest is None:
            raise fail(next(iter(origins.values())).source, "no time stamps; pass now=")
        now = latest
    _price_units(rows, terms_of)
    names = sorted(rows, key=lambda name: _order(terms_of[name]))
    steps = []
    for name in names:
        step = listed.get(name, (None, None))[1]
        if step is None:
            step = default_step(terms_of[name])
            if listed:
                findings.add(
                    -1, name, "step", f"quoted but not listed: step {step:g} assumed", "info"
                )
        steps.append(step)
    if not listed:
        findings.add(-1, "", "step", "no instruments answer: default steps assumed", "info")
    labels = tuple(dict.fromkeys(origins[name].source for name in names))
    market = snapshot(
        Instruments.from_terms([terms_of[name] for name in names], step=steps),
        {key: np.array([rows[name].get(key, math.nan) for name in names]) for key in QUOTES},
        now_ns=as_ns(now),
        index=index,
        origin=Origin(
            labels,
            np.array([labels.index(origins[name].source) for name in names], dtype=np.int32),
            np.array([origins[name].row for name in names], dtype=np.int64),
            np.array(
                [-1 if origins[name].line is None else origins[name].line for name in names],
                dtype=np.int64,
            ),
            _FIELDS,
        ),
        tolerance_frac=tolerance_frac,
        findings=findings,
    )
    return market


def _order(terms: Terms) -> tuple[Any, ...]:
    return (terms.unit, not terms.inverse, terms.settlement, terms.expiry_ns, terms.strike,
            terms.kind)  # fmt: skip


def _is_no_instrument(record: _Record) -> bool:
    """Combinations and spot pairs are traded on Deribit but never held."""
    kind = record.text("kind")
    if kind is not None:
        return kind in _NOT_HELD
    return _PAIR_OR_COMBINATION.fullmatch(record.text("instrument_name") or "") is not None


def _listed(records: list[_Record], findings: Findings) -> dict[str, tuple[_Record, float | None]]:
    """Record and step of each instrument; step None where it does not trade."""
    listed: dict[str, tuple[_Record, float | None]] = {}
    for record in records:
        if _is_no_instrument(record):
            continue
        terms = record.terms()
        if terms.name in listed:
            first = listed[terms.name][0]
            raise record.fail("instrument_name", f"{terms.name} is already in {first.place}")
        _check_terms(record, terms)
        step = record.number("min_trade_amount")
        if not step > 0:
            raise record.fail("min_trade_amount", f"must be positive, got {step:g}")
        if record.fields.get("is_active") is False:
            findings.add(-1, terms.name, "is_active", "not active: left out", "info")
            listed[terms.name] = record, None
        else:
            listed[terms.name] = record, step
    return listed


def _check_terms(record: _Record, terms: Terms) -> None:
    """The answer's own fields must say what the name says."""
    side = {Kind.CALL: "call", Kind.PUT: "put"}.get(terms.kind)
    style = "reversed" if terms.inverse else "linear"
    said: dict[str, tuple[object, object]] = {
        "strike": (record.number("strike"), terms.strike or math.nan),
        "option_type": (record.text("option_type"), side),
        "settlement_currency": (record.text("settlement_currency"), terms.settlement),
        "instrument_type": (record.text("instrument_type"), style),
    }
    if terms.expiry_ns:
        expiry = record.milliseconds("expiration_timestamp")
        said["expiration_timestamp"] = expiry, terms.expiry_ns // _MS
    for name, (value, meant) in said.items():
        absent = value is None or value != value
        if not absent and value != meant:
            raise record.fail(name, f"{value} contradicts the name {terms.name}")


def _from_summary(record: _Record, terms: Terms) -> tuple[dict[str, float], int | None]:
    quote = _quote(record, terms)
    quote["bid_price"] = record.number("bid_price")
    quote["ask_price"] = record.number("ask_price")
    stamp = record.milliseconds("creation_timestamp")
    return _stamped(quote, stamp)


def _from_ticker(record: _Record, terms: Terms) -> tuple[dict[str, float], int | None]:
    quote = _quote(record, terms)
    quote["bid_price"] = record.number("best_bid_price")
    quote["ask_price"] = record.number("best_ask_price")
    quote["index_price"] = record.number("index_price")
    return _stamped(quote, record.milliseconds("timestamp"))


def _stamped(quote: dict[str, float], stamp: int | None) -> tuple[dict[str, float], int | None]:
    if stamp is not None:
        quote["quote_ns"] = float(stamp * _MS)
        return quote, stamp * _MS
    return quote, None


def _quote(record: _Record, terms: Terms) -> dict[str, float]:
    quote = {
        "mark_price": record.number("mark_price"),
        "delivery": record.number("estimated_delivery_price"),
    }
    if terms.kind >= Kind.CALL:
        quote["forward"] = record.number("underlying_price")
        quote["vol"] = record.number("mark_iv") / 100.0
        quote["rate"] = record.number("interest_rate")
    return quote


def _price_units(rows: dict[str, dict[str, float]], terms_of: Mapping[str, Terms]) -> None:
    """For units that no ticker prices, take the estimated delivery price of their summaries.

    It is the index, but for the last half hour of an expiry, when it is an average of it.
    """
    priced = {terms_of[name].unit for name, row in rows.items() if "index_price" in row}
    late: dict[str, list[str]] = {}
    for name, row in rows.items():
        terms = terms_of[name]
        if terms.unit in priced or "delivery" not in row:
            continue
        if terms.expiry_ns and terms.expiry_ns - row.get("quote_ns", 0.0) < _HOUR:
            late.setdefault(terms.unit, []).append(name)
        else:
            row["index_price"] = row["delivery"]
    for unit, names in late.items():
        if not any("index_price" in row for name, row in rows.items()
                   if terms_of[name].unit == unit):  # fmt: skip
            for name in names:
                rows[name]["index_price"] = rows[name]["delivery"]
