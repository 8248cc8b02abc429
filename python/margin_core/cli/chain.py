# SPDX-License-Identifier: Apache-2.0
"""`margin-core greeks`: a chain with its Greeks, and how far the venue's own are from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.cli import screen
from margin_core.cli.inputs import GREEKS
from margin_core.cli.screen import price
from margin_core.errors import ArgumentError, UnknownInstrumentError
from margin_core.instruments import Kind, expiry_text
from margin_core.pricing import black76
from margin_core.render import Column, clean, number
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.market import Market

#: From per 1.00 of volatility or rate to what venues publish: per point, per 1 %.
PER_POINT = 0.01


def greeks_table(
    market: Market,
    venue: dict[str, NDArray[np.float64]],
    expiry: str | None,
    strikes: str | None,
) -> Table:
    """One row an option: terms, mark, model price, Greeks, and the venue's own where known."""
    rows = _chosen(market, expiry, strikes)
    instruments = market.instruments
    found = black76(
        market.forward_usd[rows], instruments.strike[rows], market.years[rows], market.vol[rows],
        instruments.kind[rows] == Kind.CALL, market.discount[rows],
        greeks=("price", *GREEKS),
    )  # fmt: skip
    forward = market.forward_usd[rows]
    # As marks are counted: an inverse option's price is in coin, and a coin is worth the index.
    inverse = instruments.inverse[rows]
    coin = np.where(inverse, market.index_usd[instruments.unit[rows]] / forward, 1.0)
    unit_usd = instruments.contract_size[rows] * market.quote_usd[rows]
    columns: dict[str, Any] = {
        "instrument": instruments.name[rows],
        "unit": np.array(instruments.units, dtype=object)[instruments.unit[rows]],
        "expiry": np.array(
            [expiry_text(int(e)) for e in instruments.expiry_ns[rows]], dtype=object
        ),
        "days": market.years[rows] * 365.0,
        "strike": instruments.strike[rows],
        "kind": np.where(instruments.kind[rows] == Kind.CALL, "call", "put").astype(object),
        "forward_usd": forward,
        "vol": market.vol[rows],
        "mark_usd": market.mark_usd[rows],
        "price_usd": found.price * coin * unit_usd,
        "delta": found.delta,
        "gamma_per_usd": found.gamma,
        "vega_usd_per_point": found.vega * PER_POINT,
        "theta_usd_per_day": found.theta,
        "rho_usd_per_percent": found.rho * PER_POINT,
    }
    if venue:
        missing = np.full(len(GREEKS), np.nan)
        own = np.array([venue.get(str(name), missing) for name in instruments.name[rows]])
        for k, name in enumerate(GREEKS):
            columns[f"venue_{name}"] = own[:, k]
    return Table(columns)


def _chosen(market: Market, expiry: str | None, strikes: str | None) -> NDArray[np.intp]:
    instruments = market.instruments
    rows = np.flatnonzero(instruments.is_option())
    if len(rows) == 0:
        raise UnknownInstrumentError(f"no options among the {len(instruments)} instruments")
    if expiry is not None:
        texts = np.array([expiry_text(int(e)) for e in instruments.expiry_ns[rows]])
        if expiry.upper() not in texts:
            there = ", ".join(
                dict.fromkeys(texts[np.argsort(instruments.expiry_ns[rows])].tolist())
            )
            raise UnknownInstrumentError(f"--expiry {expiry}: no such expiry; there are {there}")
        rows = rows[texts == expiry.upper()]
    if strikes is not None:
        low, high = _range(strikes)
        strike = instruments.strike[rows]
        rows = rows[(strike >= low) & (strike <= high)]
        if len(rows) == 0:
            raise UnknownInstrumentError(f"--strikes {strikes}: none between {low:g} and {high:g}")
    keys = (instruments.kind, instruments.strike, instruments.expiry_ns, instruments.unit)
    return rows[np.lexsort([key[rows] for key in keys])]


def _range(text: str) -> tuple[float, float]:
    low, colon, high = text.partition(":")
    try:
        bounds = float(low or 0.0), float(high or np.inf)
    except ValueError:
        bounds = (1.0, 0.0)
    if not colon or not bounds[0] <= bounds[1]:
        raise ArgumentError(f"--strikes {text!r} is not like 80000:100000")
    return bounds


def show(table: Table) -> None:
    """The options by expiry, then the differences from the venue."""
    keys = [f"{u} {e}" for u, e in zip(table["unit"], table["expiry"], strict=True)]
    starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    for first, last in zip(starts, [*starts[1:], len(keys)], strict=True):
        _show_expiry(table[first:last])
    screen.say()
    screen.prose(
        "iv % a year; delta per 1.00 of the forward; gamma of delta per USD; vega USD per "
        "volatility point; theta USD a day; rho USD per 1 %. By Black-76 on the forward; prices of "
        "inverse options are their coins at the index, as the venue's marks are."
    )
    if "venue_delta" in table:
        _show_differences(table)


def _show_expiry(t: Table) -> None:
    screen.heading(
        f"{t['unit'][0]} {t['expiry'][0]}: {number(t['days'][0], 2)} days, "
        f"forward {price(t['forward_usd'][0])} USD"
    )
    screen.show(
        [
            Column("strike", [clean(f"{k:,.10g}") for k in t["strike"]]),
            Column("", [kind[0].upper() for kind in t["kind"]], right=False),
            Column("iv, %", [number(100 * v, 2) for v in t["vol"]]),
            Column("price, USD", [number(p, 2) for p in t["price_usd"]]),
            Column("mark, USD", [number(p, 2) for p in t["mark_usd"]]),
            Column("delta", [number(d, 4) for d in t["delta"]]),
            Column("gamma", [f"{g:.1e}" for g in t["gamma_per_usd"]]),
            Column("vega", [number(v, 2) for v in t["vega_usd_per_point"]]),
            Column("theta", [number(v, 2) for v in t["theta_usd_per_day"]]),
            Column("rho", [number(v, 2) for v in t["rho_usd_per_percent"]]),
        ],
        gap=1,
    )


_OURS = {
    "delta": ("delta", "", 5),
    "gamma": ("gamma_per_usd", "per USD", 7),
    "vega": ("vega_usd_per_point", "USD per point", 3),
    "theta": ("theta_usd_per_day", "USD per day", 3),
    "rho": ("rho_usd_per_percent", "USD per 1 %", 3),
}


def _show_differences(t: Table) -> None:
    known = np.isfinite(t["venue_delta"])
    if not known.any():
        return
    screen.heading(f"Differences from the venue's own Greeks, {number(int(known.sum()))} options")
    lines = []
    for name, (column, unit, digits) in _OURS.items():
        ours = _capped(t) if name == "theta" else t[column]
        gap = np.abs(ours - t[f"venue_{name}"])[known]
        at = np.flatnonzero(known)[int(np.argmax(gap))]
        values = [number(float(v), digits) for v in (np.median(gap), np.quantile(gap, 0.99),
                                                     gap.max())]  # fmt: skip
        lines.append((name, unit, *values, clean(t["instrument"][at])))
    headers = ("Greek", "unit", "median", "99 %", "largest", "where")
    columns = zip(headers, zip(*lines, strict=True), (False, False, True, True, True, False),
                  strict=True)  # fmt: skip
    screen.show([Column(header, cells, right) for header, cells, right in columns])
    screen.prose(
        "Rounding explains half a digit: delta and gamma have 5 decimals at Deribit. Theta is "
        "compared after Deribit's caps, the days left and the mark itself."
    )


def _capped(t: Table) -> NDArray[np.float64]:
    """Theta as Deribit publishes it: for the time that is left, and at most the mark."""
    left = np.abs(t["theta_usd_per_day"]) * np.minimum(1.0, t["days"])
    return -np.minimum(left, t["mark_usd"])
