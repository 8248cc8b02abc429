# SPDX-License-Identifier: Apache-2.0
"""docs/method/margin.md sections 1 to 3 and 5: one account's requirement, paragraph by paragraph.

Rates and cells are whole numbers of quanta per risk lot, (n,) and (n, n_scenarios); lots are whole
numbers. Sums run in int64 under the bound of section 5; the few products that may leave int64 run
in Python's own integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.reference.risk_array import CALL, SPOT

Whole = NDArray[np.int64]

Q = 2**20  #: denominator of rates
BLOCK = 2**20  #: quanta in which the impact law counts sizes
K = 1024  #: denominator of factors
EXACT = 2**53  #: from here on a double does not hold every whole number
VEGA_BUCKETS = 4
PORTFOLIO, CROSS, ISOLATED = range(3)


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


# ---------------------------------------------------------------------------------------------
# 1. Rates per risk lot


def rates(instruments: Any, market: Any, risk: Any, model: Any) -> dict[str, Whole]:
    """The columns of mc_margin_rates, from the columns of a risk array and a model."""
    n = len(instruments.unit)
    unit = instruments.unit
    of_unit = {
        name: np.array([getattr(u, name) for u in model.units])[unit]
        for name in ("roll_move_frac", "roll_min_frac", "vega_twist", "close_frac",
                     "short_option_mm_frac", "short_option_im_frac")
    }  # fmt: skip
    years = market.years[instruments.term]
    kind = instruments.kind
    option, spot = kind >= CALL, kind == SPOT
    confidence = np.zeros(n) if market.confidence_frac is None else market.confidence_frac[unit]

    move = np.maximum(of_unit["roll_min_frac"], np.exp(of_unit["roll_move_frac"] * years) - 1.0)
    bucket = np.searchsorted(model.vega_edge_years, years, side="right")
    vega = np.zeros((n, VEGA_BUCKETS))
    vega[np.arange(n), bucket] = np.rint(risk.vega * of_unit["vega_twist"])

    def short_option_rate(which: str) -> Any:
        return np.where(option, np.ceil(risk.notional * of_unit[which]), 0.0)

    def haircut_rate(which: str) -> Any:
        frac = np.zeros(n)
        for asset in model.assets:
            frac[asset.instrument] = getattr(asset, which)
        return np.ceil(np.maximum(risk.mark, 0.0) * frac)

    has_exit = np.zeros(n, np.bool_)
    for asset in model.assets:
        has_exit[asset.instrument] = asset.exit_depth_usd > 0.0

    columns = {
        "mark": risk.mark,
        "vega": vega,
        "roll": np.where(spot, 0.0, np.rint(risk.basis_delta * move)),
        "short_option_mm": short_option_rate("short_option_mm_frac"),
        "short_option_im": short_option_rate("short_option_im_frac"),
        "closing": np.where(spot, 0.0, np.ceil(risk.notional * of_unit["close_frac"])),
        "oracle": np.ceil(risk.notional * confidence),
        "haircut_mm": haircut_rate("haircut_mm_frac"),
        "haircut_im": haircut_rate("haircut_im_frac"),
        "notional": risk.notional,
        "crowding": np.where(has_exit, 0.0, risk.notional),
        "side": np.where(kind > CALL, -1.0, 1.0),
    }
    return {name: column.astype(np.int64) for name, column in columns.items()}


# ---------------------------------------------------------------------------------------------
# 2. The account


@dataclass(frozen=True)
class Account:
    """One account's slice of the book."""

    cash: int
    instrument: NDArray[np.int32]
    lots: Whole
    order_instrument: NDArray[np.int32]
    order_lots: Whole
    order_limit: Whole


@dataclass
class Standing:
    """One row of mc_standing."""

    equity: int
    im: int = 0
    mm: int = 0
    core: int = 0
    short_option_mm: int = 0
    short_option_im: int = 0
    roll: int = 0
    vega: int = 0
    concentration: int = 0
    oracle: int = 0
    closing: int = 0
    haircut_mm: int = 0
    haircut_im: int = 0
    rounding: int = 0
    joint_scan: list[int] = field(default_factory=list)
    joint_scenario: list[int] = field(default_factory=list)
    unit_scan: list[int] = field(default_factory=list)
    unit_scenario: list[int] = field(default_factory=list)


def equity(account: Account, rates: dict[str, Whole]) -> int:
    """Cash, and lots at their marks."""
    return account.cash + int(account.lots @ rates["mark"][account.instrument])


def portfolio(
    account: Account,
    cells: Whole,
    rates: dict[str, Whole],
    instruments: Any,
    model: Any,
    concentration: int,
    quantum: float = 1e-6,
) -> Standing:
    """The requirement of a portfolio account."""
    out = Standing(equity(account, rates))
    rows = scenario_rows(account, cells, rates, instruments)
    scan(out, rows, model)
    for name in ("short_option_mm", "short_option_im"):
        setattr(out, name, short_option(account, rates[name], instruments))
    out.roll = roll(account, rates["roll"], instruments)
    out.vega = vega(account, rates["vega"], instruments)
    out.oracle = per_lot(account, rates["oracle"])
    out.closing = per_lot(account, rates["closing"])
    out.concentration = concentration
    held = np.abs(account.lots).sum() + np.abs(account.order_lots).sum()
    out.rounding = ceil_div(int(held), 2)

    shared = out.roll + out.vega + out.concentration + out.oracle
    scan_mm = ceil_div(int(model.mm_factor_k) * out.core, K)
    scan_im = ceil_div(int(model.im_factor_k) * out.core, K)
    held_assets = [
        (int(i), int(lots)) for i, lots in zip(account.instrument, account.lots, strict=True)
    ]
    sold = exit_sizes(held_assets, rates, model)
    for which in ("mm", "im"):
        of_each = (haircut(i, lots, sold, rates, model, which, quantum) for i, lots in held_assets)
        setattr(out, f"haircut_{which}", sum(of_each))
    out.mm = max(scan_mm + out.short_option_mm + shared, out.closing) + out.haircut_mm
    out.im = max(out.mm, scan_im + out.short_option_im + shared + out.haircut_im)
    return out


# Scan


def scenario_rows(
    account: Account, cells: Whole, rates: dict[str, Whole], instruments: Any
) -> dict[int, Whole]:
    """P&L of every unit held or ordered, (n_scenarios,) each: orders fill where that hurts."""
    rows: dict[int, Whole] = {}

    def row(i: int) -> Whole:
        return rows.setdefault(int(instruments.unit[i]), np.zeros(cells.shape[1], np.int64))

    for i, lots in zip(account.instrument, account.lots, strict=True):
        row(i)[:] += lots * cells[i]
    orders = zip(account.order_instrument, account.order_lots, account.order_limit, strict=True)
    for i, lots, limit in orders:
        row(i)[:] += np.minimum(0, lots * cells[i] + (rates["mark"][i] - limit) * lots)
    return rows


def scan(out: Standing, rows: dict[int, Whole], model: Any) -> None:
    """The core; each unit's and each group's scan and worst scenario."""
    nothing_held(out, model)
    for u, row in rows.items():
        out.unit_scan[u], out.unit_scenario[u] = worst(row)

    numerator = 0
    for g, k in enumerate(model.lambda_k):
        members = [u for u in rows if model.units[u].group == g]
        if members:
            out.joint_scan[g], out.joint_scenario[g] = worst(sum(rows[u] for u in members))
            alone = sum(out.unit_scan[u] for u in members)
            numerator += (K - int(k)) * alone + int(k) * out.joint_scan[g]
    out.core = ceil_div(numerator, K)


def nothing_held(out: Standing, model: Any) -> None:
    """No unit and no group scanned: losses 0, scenarios -1."""
    out.unit_scan, out.unit_scenario = [0] * len(model.units), [-1] * len(model.units)
    out.joint_scan, out.joint_scenario = [0] * len(model.lambda_k), [-1] * len(model.lambda_k)


def worst(row: Any) -> tuple[int, int]:
    """The loss in the worst scenario, at least 0, and the first scenario that bad."""
    z = int(np.argmin(row))
    return -min(0, int(row[z])), z


# Charges


def short_option(account: Account, rate: Whole, instruments: Any) -> int:
    """A rate on what is short of every call/put pair together: the same term and strike."""
    pairs: dict[tuple[int, float], int] = {}
    for i, lots in zip(account.instrument, account.lots, strict=True):
        pair = int(instruments.term[i]), float(instruments.strike[i])
        pairs[pair] = pairs.get(pair, 0) + int(lots) * int(rate[i])
    return sum(max(0, -held) for held in pairs.values())


def roll(account: Account, rate: Whole, instruments: Any) -> int:
    """A move of every term's forward against spot, to either side."""
    term = instruments.term[account.instrument]
    held = account.lots * rate[account.instrument]
    return sum(abs(int(held[term == t].sum())) for t in np.unique(term))


def vega(account: Account, rate: Whole, instruments: Any) -> int:
    """The part of each unit's tenor buckets that set off against each other."""
    unit = instruments.unit[account.instrument]
    held = account.lots[:, None] * rate[account.instrument]
    total = 0
    for u in np.unique(unit):
        bucket = held[unit == u].sum(axis=0)
        total += ceil_div(int(np.abs(bucket).sum()) - abs(int(bucket.sum())), 2)
    return total


def per_lot(account: Account, rate: Whole) -> int:
    """A rate on every lot, whatever its sign."""
    return int(np.abs(account.lots) @ rate[account.instrument])


def exit_market(asset: Any) -> tuple[str, int]:
    """Whose depth an asset is sold into."""
    if asset.exit_market > 0:
        return ("shared", int(asset.exit_market))
    return ("own", int(asset.instrument))


def exit_sizes(held: Any, rates: dict[str, Whole], model: Any) -> dict[tuple[str, int], int]:
    """What (instrument, lots) are worth together, by market."""
    sold: dict[tuple[str, int], int] = {}
    for asset in model.assets:
        value = sum(
            max(0, int(lots) * int(rates["mark"][i]))
            for i, lots in held
            if i == asset.instrument and lots > 0
        )
        sold[exit_market(asset)] = sold.get(exit_market(asset), 0) + value
    return sold


def haircut(
    i: int,
    lots: int,
    sold: dict[tuple[str, int], int],
    rates: dict[str, Whole],
    model: Any,
    which: str,
    quantum: float,
) -> int:
    """What is held of an asset: its linear haircut, and its exit on what that leaves."""
    if lots <= 0:
        return 0
    total = lots * int(rates[f"haircut_{which}"][i])
    for asset in model.assets:
        if asset.instrument == i:
            value = max(0, lots * int(rates["mark"][i]))
            size = sold[exit_market(asset)]
            rate = impact(size, asset.exit_depth_usd, asset.exit_impact_frac, quantum)
            left = Q - math.ceil(Q * getattr(asset, f"haircut_{which}_frac"))
            total += ceil_div(ceil_div(value * rate, Q) * left, Q)
    return total


# Concentration


def one_sided(account: Account, rates: dict[str, Whole], instruments: Any) -> Whole:
    """Gross notional by unit and side, (n_units, 2): long, short; held assets with exits apart."""
    gross = np.zeros((instruments.n_units, 2), np.int64)
    for i, lots in zip(account.instrument, account.lots, strict=True):
        short = lots * rates["side"][i] < 0
        counts = rates["crowding" if lots > 0 else "notional"][i]
        gross[instruments.unit[i], int(short)] += abs(lots) * counts
    return gross


def concentration(
    own: Whole, owner: Whole, market: Whole, model: Any, quantum: float = 1e-6
) -> int:
    """Each unit and side at the marginal rate of its owner's and the market's size."""
    total = 0
    for u, unit in enumerate(model.units):
        for side in (0, 1):
            rate = impact(int(owner[u, side]), unit.depth_usd, unit.impact_frac, quantum)
            rate += impact(
                int(market[u, side]), unit.market_depth_usd, unit.market_impact_frac, quantum
            )
            total += ceil_div(int(own[u, side]) * min(rate, Q), Q)
    return total


def impact(size: int, depth_usd: float, impact_frac: float, quantum: float) -> int:
    """The square-root law, piecewise linear between sizes that double, in 1/Q."""
    if depth_usd == 0.0:
        return 0
    size = ceil_div(size, BLOCK)
    nodes = [(0, 0)]
    for j in range(11):
        notional = round(depth_usd / quantum / BLOCK * 2.0 ** (j - 6))
        nodes.append((notional, min(Q, round(Q * impact_frac * math.sqrt(2.0 ** (j - 6))))))
    for (n0, r0), (n1, r1) in zip(nodes, nodes[1:], strict=False):
        if n0 <= size < n1:
            return r0 + ceil_div((r1 - r0) * (size - n0), n1 - n0)
    return nodes[-1][1]


# ---------------------------------------------------------------------------------------------
# 3. Cross and isolated accounts


def by_notional(
    account: Account,
    rates: dict[str, Whole],
    instruments: Any,
    model: Any,
    mode: int,
    quantum: float = 1e-6,
) -> Standing:
    """The requirement of a cross or isolated account: rates on notional, no scenarios."""
    out = Standing(equity(account, rates))
    nothing_held(out, model)
    out.mm = notional_requirement(account, rates, instruments, model, mode, "mm", quantum)
    im = notional_requirement(account, rates, instruments, model, mode, "im", quantum)
    out.im = max(out.mm, im)
    return out


def notional_requirement(
    account: Account,
    rates: dict[str, Whole],
    instruments: Any,
    model: Any,
    mode: int,
    which: str,
    quantum: float,
) -> int:
    """The sum with the `mm` or the `im` rates."""
    total = 0
    tiered: dict[int, int] = {}
    held = list(zip(account.instrument, account.lots, strict=True))
    ordered = list(zip(account.order_instrument, account.order_lots, strict=True))
    sold = exit_sizes(held + ordered, rates, model)
    for i, lots in held + ordered:
        unit = model.units[instruments.unit[i]]
        notional = abs(int(lots)) * int(rates["notional"][i])
        rate = flat_rate(unit, mode, which)
        if instruments.kind[i] == SPOT:
            volatile = math.ceil(Q * unit.asset_haircut_frac)
            for asset in model.assets:
                if asset.instrument == i and lots > 0:
                    left = Q - math.ceil(Q * asset.unscanned_frac)
                    volatile = Q - (Q - volatile) * left // Q
            others = haircut(int(i), int(lots), sold, rates, model, which, quantum)
            total += ceil_div(notional * volatile, Q) + ceil_div(others * (Q - volatile), Q)
        elif instruments.kind[i] >= CALL and lots > 0:
            value = max(0, int(lots) * int(rates["mark"][i]))
            total += min(value, ceil_div(notional * rate, Q))
        elif mode == ISOLATED:
            total += ceil_div(notional * rate, Q)
        else:
            u = int(instruments.unit[i])
            tiered[u] = tiered.get(u, 0) + notional
    for (i, lots), limit in zip(ordered, account.order_limit, strict=True):
        total += max(0, -(int(rates["mark"][i]) - int(limit)) * int(lots))
    for u, notional in tiered.items():
        total += through_tiers(notional, model.units[u], which, quantum)
    return total


def flat_rate(unit: Any, mode: int, which: str) -> int:
    """In 1/Q: the isolated rate, or the first tier's."""
    if mode == ISOLATED:
        return math.ceil(Q * getattr(unit, f"isolated_{which}_frac"))
    return tier_rate(unit, 0, which)


def tier_rate(unit: Any, t: int, which: str) -> int:
    """In 1/Q, moved towards 1 by open interest."""
    frac = getattr(unit.tiers[t], f"{which}_frac")
    lower, upper = unit.open_interest_lower_usd, unit.open_interest_upper_usd
    if upper > 0.0:
        crowding = min(1.0, max(0.0, (unit.open_interest_usd - lower) / (upper - lower)))
        frac = frac + (1.0 - frac) * crowding
    return math.ceil(Q * frac)


def through_tiers(notional: int, unit: Any, which: str, quantum: float) -> int:
    """Each tier's rate on the part of the notional that lies in it."""
    above = [round(tier.above_usd / quantum) for tier in unit.tiers]
    below = [*above[1:], notional]
    total = 0
    for t, (low, high) in enumerate(zip(above, below, strict=True)):
        total += ceil_div(tier_rate(unit, t, which) * max(0, min(notional, high) - low), Q)
    return total


# ---------------------------------------------------------------------------------------------
# 5. The bound


def gross(cells: Whole, rates: dict[str, Whole]) -> Whole:
    """The largest magnitude among each instrument's cells and rates, (n,)."""
    columns = [cells, *(np.reshape(rate, (len(cells), -1)) for rate in rates.values())]
    return np.max([np.abs(column).max(axis=1) for column in columns], axis=0)


def is_exact(account: Account, largest: Whole, rates: dict[str, Whole]) -> bool:
    """True where no sum over this account can leave the whole numbers of a double."""
    total = 0
    for i, lots in zip(account.instrument, account.lots, strict=True):
        total += abs(int(lots)) * int(largest[i])
    orders = zip(account.order_instrument, account.order_lots, account.order_limit, strict=True)
    for i, lots, limit in orders:
        reach = int(largest[i]) + abs(int(rates["mark"][i]) - int(limit))
        total += abs(int(lots)) * reach
    return total < EXACT
