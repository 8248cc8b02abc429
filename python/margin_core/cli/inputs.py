# SPDX-License-Identifier: Apache-2.0
"""What the commands read: markets, books, and the venue's own Greeks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from margin_core.adapters.files import read_json
from margin_core.adapters.tables import read_columns, read_table
from margin_core.errors import ArgumentError, FileError, MarginCoreError
from margin_core.market import Market, read_chain
from margin_core.render import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.collateral.redemption import AssetPrices

GREEKS = ("delta", "gamma", "vega", "theta", "rho")


def read_market(
    paths: Sequence[str], now: str | None, index: Sequence[str], *, quiet: bool = False
) -> Market:
    """Saved chains, or tables of quotes (with --now), as one market.

    Warnings about the quotes go to stderr, counted.
    """
    prices = dict(amount_of("--index", text) for text in index)
    instant = None if now is None else instant_of("--now", now)
    tables = [path for path in paths if _is_table(path)]
    chains = [path for path in paths if path not in tables]
    markets = [read_chain(*chains, now=instant, index=prices)] if chains else []
    for path in tables:
        if instant is None:
            raise ArgumentError(f"{path}: a table of quotes has no instant; give --now")
        markets.append(Market.from_table(path, now=instant, index=prices))
    market = markets[0] if len(markets) == 1 else Market.concat(markets, now=instant)
    warned = int((market.findings["severity"] == "warning").sum())
    if warned and not quiet:
        first = market.findings[market.findings["severity"] == "warning"]
        about = f"{clean(first['instrument'][0])}, {clean(first['message'][0])}"
        click.echo(f"margin-core: {warned} odd quotes; the first: {about}", err=True)
    return market


def _is_table(path: str) -> bool:
    """A table in this package's own columns; a saved chain has Deribit's."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (".parquet", ".pq"):
        return True
    return suffix == ".csv" and "instrument" in read_columns(path, path).columns


def read_assets(path: str, catalogue: str) -> AssetPrices:
    """Prices of collateral from a table; rows of units go to the ends of redemptions."""
    from margin_core.collateral.catalogue import load_catalogue
    from margin_core.collateral.redemption import AssetPrices

    c = load_catalogue(catalogue)
    table = read_table(
        path,
        required={"asset": "str", "market_usd": "float"},
        optional={"rate": "float", "queue_days": "float", "exit_open": "bool", "backing": "float"},
        nullable=("rate", "queue_days", "backing"),
        extra="refuse",
    )
    columns: dict[str, dict[str, Any]] = {name: {} for name in table if name != "asset"}
    units: dict[str, float] = {}
    for row, asset in enumerate(table["asset"].tolist()):
        if asset in columns["market_usd"] or asset in units:
            raise FileError(f"{path}, row {row}, asset: {asset!r} is there twice")
        if asset in c.units and asset not in c.assets:
            units[asset] = float(table["market_usd"][row])
            continue
        for name, values in columns.items():
            value = table[name][row].item()
            if value == value:
                values[asset] = value
    prices = AssetPrices({"USD": 1.0, **units}, **columns)
    try:
        return prices.checked(c)
    except MarginCoreError as error:
        raise FileError(f"{path}: {error}") from None


def warn_of_owners(beyond: Sequence[tuple[str, str]]) -> None:
    """One table serves all accounts: what an owner's own cap costs is not in it."""
    if not beyond:
        return
    account, asset = beyond[0]
    click.echo(
        f"margin-core: owners who hold more of an asset than counts in full: {len(beyond)}, the "
        f"first {clean(account)} of {clean(asset)}; what their own caps cost is in `explain` alone",
        err=True,
    )


def instant_of(option: str, text: str) -> datetime:
    """An instant, UTC where the text has no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentError(f"{option} {text!r} is no instant like 2026-01-22T12:30:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def amount_of(option: str, text: str) -> tuple[str, float]:
    """A coin and its number, of an option like `--index BTC=60000`."""
    unit, _, amount = text.partition("=")
    try:
        if unit:
            return unit, float(amount)
        raise ValueError
    except ValueError:
        raise ArgumentError(f"{option} {text!r} is not like BTC=60000") from None


# The venue's own Greeks


def venue_greeks(paths: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """{instrument: (5,) delta, gamma, vega, theta, rho} where the files have them."""
    out: dict[str, NDArray[np.float64]] = {}
    for path in paths:
        if path.lower().endswith(".csv"):
            out.update(_greeks_of_csv(path))
        elif path.lower().endswith(".json"):
            for record in _records(read_json(path)):
                greeks = record["greeks"]
                values = [greeks.get(name) for name in GREEKS]
                if all(isinstance(v, (int, float)) for v in values):
                    out[str(record.get("instrument_name"))] = np.array(values, dtype=np.float64)
    return out


def _greeks_of_csv(path: str) -> dict[str, NDArray[np.float64]]:
    columns = read_columns(path, path).columns
    names = [f"greeks_{name}" for name in GREEKS]
    if "instrument_name" not in columns or not set(names) <= set(columns):
        return {}
    table = read_table(
        path, required={"instrument_name": "str", **dict.fromkeys(names, "float")}, nullable=names
    )
    values = np.stack([table[name] for name in names], axis=1)
    return dict(zip(table["instrument_name"].tolist(), values, strict=True))


def _records(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every record with Greeks, however the answers are wrapped."""
    if depth > 6:
        return
    if isinstance(document, dict):
        if isinstance(document.get("greeks"), dict):
            yield document
        else:
            for value in document.values():
                yield from _records(value, depth + 1)
    elif isinstance(document, list):
        for value in document:
            yield from _records(value, depth + 1)
