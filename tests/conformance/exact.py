# SPDX-License-Identifier: Apache-2.0
"""One account's requirement once more, in Python's unbounded integers and fractions.

Written from docs/method/margin.md alone and shaped differently from the reference on purpose:
ledgers keyed by unit, term and strike instead of arrays, scenario by scenario instead of row by
row, fractions instead of scaled integers, identities where the page has a formula (the vega
charge is the smaller of the two sides that meet). A misreading would have to happen twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from functools import cmp_to_key
from math import ceil, sqrt
from typing import Any, NamedTuple

SPOT, CALL, PUT = 0, 3, 4
CROSS, ISOLATED = 1, 2
FINEST = Fraction(1, 2**20)


class Line(NamedTuple):
    """An instrument, as an auditor has it on paper."""

    unit: int
    term: int
    strike: Fraction
    kind: int
    cells: list[int]
    rates: dict[str, Any]


class Held(NamedTuple):
    """An account: (instrument, lots) and (instrument, lots, limit)."""

    cash: int
    mode: int
    positions: list[tuple[int, int]]
    orders: list[tuple[int, int, int]]


def lines(instruments: Any, cells: Any, rates: dict[str, Any]) -> list[Line]:
    return [
        Line(
            int(instruments.unit[i]),
            int(instruments.term[i]),
            Fraction(float(instruments.strike[i])),
            int(instruments.kind[i]),
            [int(cell) for cell in cells[i]],
            {
                name: [int(v) for v in column[i]] if name == "vega" else int(column[i])
                for name, column in rates.items()
            },
        )
        for i in range(len(instruments.unit))
    ]


def accounts(book: Any) -> list[Held]:
    out = []
    for a in range(len(book.offset) - 1):
        held = range(book.offset[a], book.offset[a + 1])
        ordered: Any = ()
        if book.order_offset is not None:
            ordered = range(book.order_offset[a], book.order_offset[a + 1])
        out.append(
            Held(
                0 if book.cash is None else int(book.cash[a]),
                0 if book.mode is None else int(book.mode[a]),
                [(int(book.instrument[p]), int(book.lots[p])) for p in held],
                [
                    (
                        int(book.order_instrument[o]),
                        int(book.order_lots[o]),
                        int(book.order_limit[o]),
                    )
                    for o in ordered
                ],  # fmt: skip
            )
        )
    return out


def requirement(
    line: list[Line],
    account: Held,
    model: Any,
    *,
    owner: Counter | None = None,
    market: Counter | None = None,
    quantum: float = 1e-6,
) -> dict[str, Any]:
    """The row of mc_standing; `owner` and `market` are notional by (unit, side)."""
    out = {"equity": account.cash + sum(q * line[i].rates["mark"] for i, q in account.positions)}
    if account.mode in (CROSS, ISOLATED):
        out |= flat(line, account, model, quantum)
    else:
        out |= by_scenario(line, account, model)
        out |= charges(line, account)
        own = one_sided(line, account)
        owner = own if owner is None else owner
        out["concentration"] = concentration(own, owner, market or Counter(), model, quantum)
        shared = out["roll"] + out["vega"] + out["concentration"] + out["oracle"]
        mm = ceil(Fraction(int(model.mm_factor_k), 1024) * out["core"])
        im = ceil(Fraction(int(model.im_factor_k), 1024) * out["core"])
        for which in ("mm", "im"):
            out[f"haircut_{which}"] = sum(
                haircut(line, account.positions, i, q, model, which, quantum)
                for i, q in account.positions
            )
        out["mm"] = max(mm + out["short_option_mm"] + shared, out["closing"]) + out["haircut_mm"]
        out["im"] = max(out["mm"], im + out["short_option_im"] + shared + out["haircut_im"])
    out["status"] = standing(out)
    return out


def standing(out: dict[str, Any]) -> int:
    """0 ok, 1 reduce only, 2 liquidatable, 3 bankrupt: the first line that equity clears."""
    lines_from_the_top = [out["im"], out["mm"], 0]
    for status, line in enumerate(lines_from_the_top):
        if out["equity"] >= line:
            return status
    return 3


def by_scenario(line: list[Line], account: Held, model: Any) -> dict[str, Any]:
    """Walk the scenarios one at a time and remember the first lowest of every unit and group."""
    units = {line[i].unit for i, *_ in [*account.positions, *account.orders]}
    group = {u: int(model.units[u].group) for u in units}
    lowest: dict[Any, tuple[int, int]] = {}
    for z in range(len(line[0].cells)):
        gain: Counter = Counter()
        for i, q in account.positions:
            gain["unit", line[i].unit] += q * line[i].cells[z]
        for i, q, limit in account.orders:
            filled = q * line[i].cells[z] + (line[i].rates["mark"] - limit) * q
            gain["unit", line[i].unit] += min(0, filled)
        for u in units:
            gain["group", group[u]] += gain["unit", u]
        for key in {("unit", u) for u in units} | {("group", group[u]) for u in units}:
            if key not in lowest or gain[key] < lowest[key][0]:
                lowest[key] = (gain[key], z)

    def loss(key: tuple[str, int]) -> int:
        return max(0, -lowest[key][0]) if key in lowest else 0

    core = Fraction(0)
    for g, k in enumerate(model.lambda_k):
        offset = Fraction(int(k), 1024)
        alone = sum(loss(("unit", u)) for u in units if group[u] == g)
        core += (1 - offset) * alone + offset * loss(("group", g))

    def first(kind: str, n: int) -> list[int]:
        return [lowest.get((kind, x), (0, -1))[1] for x in range(n)]

    return {
        "core": ceil(core),
        "unit_scan": [loss(("unit", u)) for u in range(len(model.units))],
        "unit_scenario": first("unit", len(model.units)),
        "joint_scan": [loss(("group", g)) for g in range(len(model.lambda_k))],
        "joint_scenario": first("group", len(model.lambda_k)),
    }


def charges(line: list[Line], account: Held) -> dict[str, int]:
    pair: dict[str, Counter] = {"mm": Counter(), "im": Counter()}
    term: Counter = Counter()
    bucket: Counter = Counter()
    gross: Counter = Counter()
    for i, q in account.positions:
        at = line[i]
        for which, ledger in pair.items():
            ledger[at.term, at.strike] += q * at.rates[f"short_option_{which}"]
        term[at.term] += q * at.rates["roll"]
        for b, rate in enumerate(at.rates["vega"]):
            bucket[at.unit, b] += q * rate
        gross["oracle"] += abs(q) * at.rates["oracle"]
        gross["closing"] += abs(q) * at.rates["closing"]
        gross["lots"] += abs(q)
    for _, q, _ in account.orders:  # a fill moves by what its cells were rounded by, too
        gross["lots"] += abs(q)
    met: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for (unit, _), value in bucket.items():
        met[unit][value < 0] += abs(value)
    return {
        "short_option_mm": -sum(v for v in pair["mm"].values() if v < 0),
        "short_option_im": -sum(v for v in pair["im"].values() if v < 0),
        "roll": sum(abs(v) for v in term.values()),
        "vega": sum(min(sides) for sides in met.values()),
        "oracle": gross["oracle"],
        "closing": gross["closing"],
        "rounding": ceil(Fraction(gross["lots"], 2)),
    }


def haircut(
    line: list[Line], held: list, i: int, q: int, model: Any, which: str, quantum: float
) -> int:
    """Of an asset that is held: a rate of each lot, and of the rest what it costs to leave."""
    asset = next((asset for asset in model.assets if asset.instrument == i), None)
    if asset is None or q <= 0:
        return 0
    together = {a.instrument for a in model.assets if 0 < a.exit_market == asset.exit_market} | {i}
    sold = sum(max(0, n * line[j].rates["mark"]) for j, n in held if j in together and n > 0)
    value = max(0, q * line[i].rates["mark"])
    cost = ceil(value * impact(sold, asset.exit_depth_usd, asset.exit_impact_frac, quantum))
    rest = 1 - up(getattr(asset, f"haircut_{which}_frac"))
    return q * line[i].rates[f"haircut_{which}"] + ceil(cost * rest)


def one_sided(line: list[Line], account: Held) -> Counter:
    """Notional by (unit, side): side 0 gains when the unit's price rises."""
    gross: Counter = Counter()
    for i, q in account.positions:
        bullish = (q > 0) == (line[i].kind != PUT)
        counts = line[i].rates["crowding" if q > 0 else "notional"]
        gross[line[i].unit, 0 if bullish else 1] += abs(q) * counts
    return gross


def concentration(own: Counter, owner: Counter, market: Counter, model: Any, quantum: float) -> int:
    total = 0
    for (u, side), size in own.items():
        unit = model.units[u]
        rate = impact(owner[u, side], unit.depth_usd, unit.impact_frac, quantum)
        rate += impact(market[u, side], unit.market_depth_usd, unit.market_impact_frac, quantum)
        total += ceil(size * min(Fraction(1), rate))
    return total


def impact(size: int, depth_usd: float, impact_frac: float, quantum: float) -> Fraction:
    """A fraction of notional, a whole number of FINEST."""
    if depth_usd == 0:
        return Fraction(0)
    size = ceil(Fraction(size, 2**20))
    low = (0, 0)
    for j in range(11):
        scale = 2.0 ** (j - 6)
        node = (
            round(depth_usd / quantum / 2**20 * scale),
            round(min(Fraction(2**20), 2**20 * Fraction(impact_frac) * Fraction(sqrt(scale)))),
        )
        if size < node[0]:
            share = Fraction(size - low[0], node[0] - low[0])
            return FINEST * (low[1] + ceil((node[1] - low[1]) * share))
        low = node
    return FINEST * low[1]


def flat(line: list[Line], account: Held, model: Any, quantum: float) -> dict[str, Any]:
    out: dict[str, Any] = dict.fromkeys(
        ("core", "short_option_mm", "short_option_im", "roll", "vega", "concentration", "oracle",
         "closing", "haircut_mm", "haircut_im", "rounding"), 0,
    )  # fmt: skip
    out["unit_scan"] = [0] * len(model.units)
    out["unit_scenario"] = [-1] * len(model.units)
    out["joint_scan"] = [0] * len(model.lambda_k)
    out["joint_scenario"] = [-1] * len(model.lambda_k)
    for which in ("mm", "im"):
        out[which] = flat_sum(line, account, model, which, quantum)
    out["im"] = max(out["mm"], out["im"])
    return out


def flat_sum(line: list[Line], account: Held, model: Any, which: str, quantum: float) -> int:
    total = 0
    pool: Counter = Counter()
    for i, q, *limit in [*account.positions, *account.orders]:
        at, unit = line[i], model.units[line[i].unit]
        notional = abs(q) * at.rates["notional"]
        if account.mode == ISOLATED:
            rate = up(getattr(unit, f"isolated_{which}_frac"))
        else:
            rate = up(crowded(unit, getattr(unit.tiers[0], f"{which}_frac")))
        if limit:
            total += max(0, q * (limit[0] - at.rates["mark"]))
        if at.kind == SPOT:
            volatile = up(unit.asset_haircut_frac)
            for asset in model.assets:
                if asset.instrument == i and q > 0:
                    volatile = up(1 - (1 - volatile) * (1 - up(asset.unscanned_frac)))
            bid_too = [(j, n) for j, n, *_ in [*account.positions, *account.orders]]
            others = haircut(line, bid_too, i, q, model, which, quantum)
            total += ceil(notional * volatile) + ceil(others * (1 - volatile))
        elif at.kind in (CALL, PUT) and q > 0:
            total += min(max(0, q * at.rates["mark"]), ceil(notional * rate))
        elif account.mode == ISOLATED:
            total += ceil(notional * rate)
        else:
            pool[at.unit] += notional
    for u, notional in pool.items():
        unit = model.units[u]
        above = [round(tier.above_usd / quantum) for tier in unit.tiers]
        for t in reversed(range(len(above))):  # peel from the top
            part = max(0, notional - above[t])
            total += ceil(part * up(crowded(unit, getattr(unit.tiers[t], f"{which}_frac"))))
            notional -= part
    return total


def crowded(unit: Any, frac: float) -> float:
    """In float64, as the page says: frac + (1 - frac) * clamp(...)."""
    if unit.open_interest_upper_usd <= 0:
        return frac
    lower, upper = unit.open_interest_lower_usd, unit.open_interest_upper_usd
    clamped = sorted((0.0, (unit.open_interest_usd - lower) / (upper - lower), 1.0))[1]
    return frac + (1.0 - frac) * clamped


def up(frac: float) -> Fraction:
    """Rounded up to a whole number of FINEST."""
    return FINEST * ceil(Fraction(frac) / FINEST)


def rank(equity: list[int], mm: list[int]) -> list[int]:
    """By cross-multiplication, two accounts at a time; never a quotient."""

    def place(a: int) -> int:
        return 1 if mm[a] else 0 if equity[a] < 0 else 2

    def nearer(a: int, b: int) -> int:
        order = place(a) - place(b)
        if place(a) == place(b) == 1:
            order = equity[a] * mm[b] - equity[b] * mm[a]
        return order or a - b

    return sorted(range(len(equity)), key=cmp_to_key(nearer))
