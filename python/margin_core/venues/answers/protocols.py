# SPDX-License-Identifier: Apache-2.0
"""dYdX, Drift, Mango and Hyperliquid: answers of the programs' own tests, and formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from margin_core.errors import FileError
from margin_core.oracle import StablePrice
from margin_core.venues.answers.auctions import dydx_fillable
from margin_core.venues.answers.case import Case, Expected, Unread
from margin_core.venues.answers.record import Record
from margin_core.venues.answers.weights_account import weights_case
from margin_core.venues.weights.columns import Kind

__all__ = ["drift_v2", "dydx_v4", "hyperliquid_pm", "mango_v4", "mango_v4_stable"]

#: One dollar and one token as the integer presets count them.
DOLLAR_1E6 = 10**6
TOKEN_1E9 = 10**9

# dYdX v4


def dydx_v4(data: Record, _: str) -> Iterator[Unread]:
    """The initial rate of one contract, in ppm, and the fillable price of a liquidation."""
    for i, read in enumerate(data.record("oimf").each("cases")):
        yield Unread(f"oimf.{i}", partial(_dydx_case, read, f"oimf.{i}"))
    if "fillable_price" in data:
        yield from dydx_fillable(data)


def _dydx_case(read: Callable[[], Record], name: str) -> Case:
    case = read()
    base = case["base_ppm"]
    market_class = {
        "names": ["PERP"], "source": "chain", "oi_lower": case["lower"],
        "oi_upper": case["upper"], "weights": {"init": {"long": base, "short": base}},
    }  # fmt: skip
    rows = [
        {"name": "USDC", "price": DOLLAR_1E6},
        {"name": "PERP", "kind": Kind.POSITION, "settle": "USDC", "price": DOLLAR_1E6,
         "open_interest": case["oi"]},
    ]  # fmt: skip
    account = {"holdings": {"PERP": TOKEN_1E9}}
    expected = {("init", "weight", "PERP"): case["expect_ppm"]}
    return weights_case(name, "dydx_v4", {"classes": [market_class]}, rows, account, expected, 0.0)


# Drift v2


def drift_v2(data: Record, _: str) -> Iterator[Unread]:
    """Weights in 1/10000 of one holding."""
    readers: dict[str, Callable[[Record, str], Case]] = {
        "asset_weight_cases": partial(_drift_weight, side=1),
        "liability_weight_cases": partial(_drift_weight, side=-1),
        "scaled_weight_cases": _drift_scaled,
    }
    for key in data:
        if match := re.fullmatch(r"unrealized_asset_weight_cases_imf(\d+)_w(\d+)", key):
            imf, w = map(int, match.groups())
            readers[key] = partial(_drift_pnl, imf=imf, w=w)
    for key, read_case in readers.items():
        for i, read in enumerate(data.each(key, optional=True)):
            yield Unread(f"{key}.{i}", partial(_drift_case, read, read_case, f"{key}.{i}"))


def _drift_case(
    read: Callable[[], Record], read_case: Callable[[Record, str], Case], name: str
) -> Case:
    return read_case(read(), name)


def _drift_weight(case: Record, name: str, side: int) -> Case:
    weights = {"long": case["w"], "short": case["w"]}
    token = {"imf": case["imf"], "weights": {"maint": weights}}
    return _drift(name, token, "maint", side * case["size_tokens"], 1, case["expect"])


def _drift_scaled(case: Record, name: str) -> Case:
    start = _whole(case["start_usd"], DOLLAR_1E6)
    token = {"deposit_scale_start": start, "weights": {"init": {"long": case["w"]}}}
    return _drift(name, token, "init", 1, case["price"], case["expect"],
                  deposits=case["deposits"])  # fmt: skip


def _whole(amount: float, one: int) -> int:
    return amount * one if isinstance(amount, int) else round(amount * one)


def _drift(
    name: str, token: dict[str, Any], health: str, size: float, price: float, expect: int,
    deposits: float = 0,
) -> Case:  # fmt: skip
    market_class = {"names": ["TOKEN"], "source": "program", **token}
    row = {"name": "TOKEN", "price": _whole(price, DOLLAR_1E6),
           "deposits": _whole(deposits, TOKEN_1E9)}  # fmt: skip
    account = {"holdings": {"TOKEN": _whole(size, TOKEN_1E9)}}
    expected = {(health, "weight", "TOKEN"): expect}
    return weights_case(
        name, "drift_v2", {"classes": [market_class]}, [row], account, expected, 0.0
    )


def _drift_pnl(case: Record, name: str, imf: int, w: int) -> Case:
    """A perpetual of no size whose quote is the P&L."""
    market_class = {
        "names": ["PERP"], "source": "program", "pnl_imf": imf, "weights": {"init": {"pnl": w}},
    }  # fmt: skip
    rows = [
        {"name": "USDC", "price": DOLLAR_1E6},
        {"name": "PERP", "kind": Kind.POSITION, "settle": "USDC", "price": 1},
    ]
    account = {"holdings": {"PERP": (0, case["upnl_1e6"])}}
    expected = {("init", "pnl_weight", "PERP"): case["expect"]}
    return weights_case(name, "drift_v2", {"classes": [market_class]}, rows, account, expected, 0.0)


# Mango v4

MANGO_TOLERANCE = 1e-9
NS_PER_S = 1_000_000_000
MAX_STEPS = 1_000_000
#: Where the clock of a stable price starts: on the hour, as in the program's own tests.
START_NS = 86_400 * NS_PER_S
HEALTH_TYPES = {"Init": "init", "LiquidationEnd": "liquidation_end", "Maint": "maint"}


def mango_v4(data: Record, _: str) -> Iterator[Unread]:
    """Health of one account. Spot orders: oo_<quote>_<base>, [quote reserved, base reserved]."""
    setup, kind = data.record("setup"), _health(data, "init")
    classes = [_mango_class(name, entry) for name, entry in setup.named()]
    for i, read in enumerate(data.each("cases")):
        yield Unread(f"cases.{i}", partial(_mango_case, read, setup, kind, classes))


def _mango_case(
    read: Callable[[], Record], setup: Record, kind: str, classes: list[dict[str, Any]]
) -> Case:
    case = read()
    tokens = [name for name in setup if name.startswith("token")]
    banks = dict(zip(tokens, case.records("bank", optional=True), strict=False))
    scaled = [_mango_bank(name, bank, classes) for name, bank in banks.items()]
    rows = [_mango_row(name, entry, banks.get(name)) for name, entry in setup.named()]
    expected = {(_health(case, kind), "health", ""): case["expect"]}
    account = _mango_account(case, setup)
    return weights_case(f"case {case['id']}", "mango_v4", {"classes": classes + scaled}, rows,
                        account, expected, MANGO_TOLERANCE)  # fmt: skip


def mango_v4_stable(data: Record, _: str) -> Iterator[Unread]:
    """The slow price after so many steps at one oracle price; each case goes on from the last."""
    path: list[tuple[int, float]] = []
    given = data.record("stable_price").records("cases") if "stable_price" in data else []
    for i, case in enumerate(given):
        if "start" in case:
            path = [(START_NS, case["start"])]
        elif not path:
            raise FileError(f"{case.where}: nothing to go on from; start is missing")
        price, steps = case.get("oracle", path[-1][1]), int(case["steps"])
        step_ns = round(case["dt" if "dt" in case else "then_dt"] * NS_PER_S)
        if not 0 <= steps <= MAX_STEPS:
            raise FileError(f"{case.where}.steps: must be 0 to {MAX_STEPS}")
        path = path + [(path[-1][0] + (k + 1) * step_ns, price) for k in range(steps)]
        value, tolerance = case["stable_expect"], case["tol"]
        relative = tolerance / abs(value) if value else tolerance
        name, expected = f"stable_price.{i}", [Expected("stable price", value, float, relative)]
        solve = partial(_stable_after, path)
        yield Unread(name, partial(Case, name, "mango_v4", solve, expected))


def _stable_after(path: list[tuple[int, float]]) -> float:
    stable = StablePrice("mango_v4")
    return [stable.update(now_ns, price) for now_ns, price in path][-1]


def _health(data: Record, default: str) -> str:
    if "health" not in data:
        return default
    name = data.text("health")
    if name not in HEALTH_TYPES:
        raise FileError(f"{data.where}: health: no {name!r:.40}")
    return HEALTH_TYPES[name]


def _mango_class(name: str, entry: Record) -> dict[str, Any]:
    weights = {}
    for health, pnl in (("init", 0), ("maint", 1)):
        if f"{health}_base_w" in entry:
            long, short = _several(entry, f"{health}_base_w", 2)
            overall = _several(entry, "overall_asset_w", 2)[pnl]
            weights[health] = {"long": 1 - long, "short": short - 1, "pnl": overall}
        elif f"{health}_asset_w" in entry:
            long, short = entry[f"{health}_asset_w"], entry[f"{health}_liab_w"]
            weights[health] = {"long": long, "short": short}
    return {"names": [name], "source": "test", "weights": weights}


def _mango_bank(name: str, bank: Record, classes: list[dict[str, Any]]) -> dict[str, Any]:
    """A token's class with its scaling; a plain scale_start is of the side that is given."""
    token = dict(next(c for c in classes if c["names"] == [name]))
    for side, total in (("deposit", "deposits"), ("borrow", "borrows")):
        given = [bank[k] for k in bank if k.startswith(f"{side}_")]
        if not given and total in bank and "scale_start" in bank:
            given = [bank["scale_start"]]
        token[f"{side}_scale_start"] = given[0] if given else 0
    return token


def _mango_row(name: str, entry: Record, bank: Record | None) -> dict[str, Any]:
    if "underlying_price" in entry:
        return {"name": name, "kind": Kind.POSITION, "settle": entry.text("settle"),
                "price": _prices(entry, "underlying_price")}  # fmt: skip
    return {"name": name, "price": _prices(entry, "price"),
            "deposits": bank.get("deposits", 0) if bank else 0,
            "borrows": bank.get("borrows", 0) if bank else 0}  # fmt: skip


def _prices(entry: Record, name: str) -> list[float]:
    """The oracle's, and the stable price where the file has one."""
    return [entry[name], entry.get("stable_price", entry[name])]


def _mango_account(case: Record, setup: Record) -> dict[str, Any]:
    holdings: dict[str, Any] = {}
    swaps = []
    for key in case:
        if key.startswith("token"):
            holdings[key] = case[key]
        elif key.startswith("perp"):
            lot = setup.record(key)["base_lot_size"]
            base, quote, bids, asks = _several(case, key, 4)
            holdings[key] = base * lot, quote, bids * lot, asks * lot
        elif key.startswith("oo_"):
            quote_token, base_token = (f"token{i}" for i in key.split("_")[1:])
            in_quote, in_base = _several(case, key, 2)
            swaps.append((base_token, quote_token, in_base, in_quote))
    return {"holdings": holdings, "swaps": swaps}


def _several(case: Record, key: str, count: int) -> list[Any]:
    values = case.list(key)
    if len(values) != count:
        raise FileError(f"{case.where}.{key}: {len(values)} numbers, not {count}")
    return values


# Hyperliquid: the file has formulas and parameters only


def hyperliquid_pm(data: Record, _: str) -> Iterator[Unread]:
    """The file's formulas, written out by hand for accounts that meet each of their branches."""
    for name in HYPERLIQUID:
        yield Unread(name, partial(_hyperliquid_case, data, name))


def _hyperliquid_case(data: Record, name: str) -> Case:
    offset = data.record("formulas")["min_borrow_offset_usd"]
    caps = data.record("caps_alpha")
    ltv = data.record("ltv")["HYPE_later(df-hyperliquid-core crate)"]
    usdc, hype, perp, quote = HYPERLIQUID[name]
    price = sorted(HYPE_PRICES)[1]
    own = usdc + perp * MARK + quote
    credit = min(hype, caps.record("HYPE")["user_supply"]) * price * (0.5 + 0.5 * ltv)
    needed = offset + abs(perp) * MARK * RATE + max(-own, 0.0)
    value = max(own, 0.0) + min(caps.record("USDC")["user_borrow"], credit)
    rows = [
        {"name": "USDC", "price": 1.0},
        {"name": "HYPE", "price": HYPE_PRICES},
        {"name": "PERP", "kind": Kind.POSITION, "settle": "USDC", "price": MARK},
    ]
    account = {"holdings": {"USDC": usdc, "HYPE": hype, "PERP": (perp, quote)}}
    expected = {("maint", "ratio", ""): needed / value}
    return weights_case(name, "hyperliquid_pm", {"classes": [PERP]}, rows, account, expected, 1e-12)


HYPE_PRICES = [40.0, 41.0, 39.0]  # spot, mark * fx, oracle * fx
MARK, RATE = 2000.0, 0.02
PERP = {"names": ["PERP"], "source": "docs", "weights": {"maint": {"long": RATE, "short": RATE}}}
HYPERLIQUID = {  # USDC, HYPE, perp, its quote
    "formula: lends": (5000.0, 100.0, 0.0, 0.0),
    "formula: borrows": (-2000.0, 100.0, 0.0, 0.0),
    "formula: loss is borrowed": (100.0, 100.0, 3.0, -7000.0),
    "formula: supply cap, borrow cap": (-900000.0, 60000.0, -3.0, 6100.0),
}
