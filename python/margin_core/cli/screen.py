# SPDX-License-Identifier: Apache-2.0
"""What the terminal shows: colour where there is one, tables, progress."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from margin_core.instruments import DOLLARS
from margin_core.render import Column, amounts, clean, number, paragraph, table_text

if TYPE_CHECKING:
    from margin_core.market import Market
    from margin_core.sweep import Standing
    from margin_core.table import Table

COLOUR = {"ok": "green", "reduce_only": "yellow", "liquidatable": "red", "bankrupt": "magenta"}
NAME_SHOWN = 18


def coloured() -> bool:
    """Colour for a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def say(text: str = "", **style: Any) -> None:
    """One text to stdout; style as in `click.style`, dropped where there is no colour."""
    if style and coloured():
        text = click.style(text, **style)
    click.echo(text, color=coloured())


def heading(text: str) -> None:
    say()
    say(text, bold=True)


def prose(text: str, indent: int = 0) -> None:
    say(paragraph(text, indent=indent))


def show(columns: Sequence[Column], *, status: Sequence[str] | None = None, gap: int = 2) -> None:
    """A table with a bold header; `status` colours the lines."""
    header, *lines = table_text(columns, gap=gap)
    say(header, bold=True)
    for i, line in enumerate(lines):
        colour = COLOUR.get(status[i]) if status is not None else None
        say(line, **({"fg": colour} if colour and colour != "green" else {}))


# Tables that several commands show


def show_market(market: Market) -> None:
    """One line per unit and expiry."""
    s = market.summary()
    show(
        [
            Column("unit", [str(u) for u in s["unit"]], right=False),
            Column("in", [str(u) for u in s["settlement"]], right=False),
            Column("expiry", [str(e) for e in s["expiry"]]),
            Column("days", [number(d, 1) for d in s["days"]]),
            Column("options", [number(n) for n in s["n_options"]]),
            Column("futures", [number(n) if n else "–" for n in s["n_futures"]]),
            Column("forward, USD", [price(f) for f in s["forward_usd"]]),
            Column("basis, %", [number(100 * b, 2) for b in s["basis_frac"]]),
            Column("vol, %", [number(100 * v, 1) for v in s["atm_vol"]]),
        ]
    )


def show_venue(market: Market) -> None:
    """One line per unit: what is listed, and its curves from the nearest to the last expiry."""
    s = market.summary()
    units = list(dict.fromkeys(s["unit"]))
    parts = [s[s["unit"] == unit] for unit in units]
    index = [float(market.index_usd[market.instruments.units.index(unit)]) for unit in units]
    show(
        [
            Column("unit", [str(unit) for unit in units], right=False),
            Column("index, USD", [price(i) for i in index]),
            Column("options", [number(int(p["n_options"].sum())) for p in parts]),
            Column("futures", [number(int(p["n_futures"].sum())) for p in parts]),
            Column("expiries", [str(len(p)) for p in parts]),
            Column("last", [str(p["expiry"][-1]) for p in parts]),
            Column("basis, %", [_span(100 * p["basis_frac"], 1) for p in parts]),
            Column("vol, %", [_span(100 * p["atm_vol"], 0) for p in parts]),
        ]
    )


def _span(values: Any, digits: int) -> str:
    return f"{number(float(values[0]), digits)} to {number(float(values[-1]), digits)}"


def price(value: float) -> str:
    """A price with as many decimals as its size needs."""
    size = abs(value)
    return number(value, 0 if size >= 10_000 else 2 if size >= 10 else 4 if size >= 0.1 else 6)


def show_accounts(table: Table, numeraire: str) -> None:
    unit = numeraire.lower()
    equity, mm = table[f"equity_{unit}"], table[f"mm_{unit}"]
    with np.errstate(divide="ignore", invalid="ignore"):
        health = np.where(mm > 0, equity / mm, np.nan)
    status = [str(s) for s in table["status"]]
    show(
        [
            Column("account", [clean(a, NAME_SHOWN) for a in table["account"]], right=False),
            Column(f"equity, {numeraire}", amounts(equity, numeraire)),
            Column(f"IM, {numeraire}", amounts(table[f"im_{unit}"], numeraire)),
            Column(f"MM, {numeraire}", amounts(mm, numeraire)),
            Column("equity/MM", [_ratio(h) for h in health]),
            Column("status", [s.replace("_", " ") for s in status], right=False),
        ],
        status=status,
    )


def show_families(table: Table, numeraire: str) -> None:
    """Accounts with their isolated pockets; see `Standing.by_parent`."""
    unit = numeraire.lower()
    status = [str(s) for s in table["status"]]
    show(
        [
            Column("account", [clean(a, NAME_SHOWN) for a in table["account"]], right=False),
            Column("pockets", [number(n) for n in table["pockets"]]),
            Column(f"equity, {numeraire}", amounts(table[f"equity_{unit}"], numeraire)),
            Column(f"MM, {numeraire}", amounts(table[f"mm_{unit}"], numeraire)),
            Column(f"lacking, {numeraire}", amounts(table[f"lacking_{unit}"], numeraire)),
            Column("worst of them", [s.replace("_", " ") for s in status], right=False),
        ],
        status=status,
    )


def _ratio(value: float) -> str:
    if math.isnan(value):
        return "–"
    return number(value, 2) if abs(value) < 1e4 else "> 10,000" if value > 0 else "< -10,000"


def show_summary(standing: Standing) -> None:
    """How many accounts have each status, and what they hold and need together."""
    numeraire = standing.numeraire
    words = list(standing.counts())
    rows = [standing.status == i for i in range(len(words))]
    equity, im, mm = (standing.amount(name) for name in ("equity", "im", "mm"))
    total = np.ones(len(standing), dtype=np.bool_)
    scale, unit = (1e6, f"m {numeraire}") if np.abs(equity).sum() >= 1e8 else (1.0, numeraire)
    masks = [*rows, total]
    show(
        [
            Column("status", [*(w.replace("_", " ") for w in words), "all"], right=False),
            Column("accounts", [number(int(m.sum())) for m in masks]),
            Column("share, %", [number(100 * m.mean(), 3) for m in masks]),
            *(
                Column(f"{name}, {unit}", _sums([v[m].sum() / scale for m in masks], numeraire))
                for name, v in (("equity", equity), ("IM", im), ("MM", mm))
            ),
        ],
        status=[*words, "ok"],
    )


def _sums(values: Sequence[float], numeraire: str) -> list[str]:
    return [number(v, 2) for v in values] if numeraire in DOLLARS else amounts(values, numeraire)


# Waiting


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while a sweep runs; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(label=what, length=1, file=sys.stderr, width=0) as bar:

        def update(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield update


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A line on stderr during a step without a count; gone when it is over."""
    if not sys.stderr.isatty():
        yield
        return
    line = f"{what} ..."
    click.echo(line, err=True, nl=False)
    try:
        yield
    finally:
        click.echo(f"\r{' ' * len(line)}\r", err=True, nl=False)


class Clock:
    """Seconds since it was started."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start


def duration(seconds: float) -> str:
    if seconds >= 1.0:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.0f} ms" if seconds >= 1e-3 else "less than 1 ms"


def thread_count(threads: int) -> int:
    """How many threads run where 0 means one per processor."""
    return threads or os.cpu_count() or 1


TABLES = (".csv", ".parquet", ".pq")


def check_output(path: str | None, suffixes: tuple[str, ...]) -> None:
    """Refuse, before the work, a file that could not be written after it."""
    from margin_core.adapters.tables import parquet_module
    from margin_core.errors import FileError

    if path is None:
        return
    if not path.lower().endswith(suffixes):
        raise FileError(f"{path}: the file's name must end in {', '.join(suffixes)}")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise FileError(f"{path}: there is no folder {folder}")
    if os.path.isdir(path):
        raise FileError(f"{path}: is a directory")
    if path.lower().endswith((".parquet", ".pq")):
        parquet_module()


def deliver(
    found: Any, out: str | None, picture: str | None, draw: Callable[[Any, str], None]
) -> None:
    """Write the table and the picture of what was found, where they are asked for, and say so."""
    if out:
        save(found.table(), out)
        say(f"Written to {out}")
    if picture:
        draw(found, picture)
        say(f"Picture: {picture}")


def save(table: Table, path: str) -> None:
    """Write a table as .csv or .parquet, by the file's name."""
    if path.lower().endswith(".csv"):
        table.to_csv(path, formulas="escape")
    else:
        table.to_parquet(path)
