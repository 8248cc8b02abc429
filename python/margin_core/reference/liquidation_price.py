# SPDX-License-Identifier: Apache-2.0
"""docs/method/liquidation_price.md by brute force: reprice everything at many prices, then bisect.

A `world` is any object with `instruments`, `market`, `scenarios`, `lot`, `model` and `quantum`, as
`risk_array` and `sweep` take them. At each price the whole world is repriced; nothing is remembered
from one price to the next.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.reference import margin
from margin_core.reference.margin import Whole
from margin_core.reference.risk_array import (
    CALL,
    SPOT,
    Column,
    at_rest,
    is_inverse,
    quote_usd,
    risk_array,
    values,
)
from margin_core.reference.sweep import sweep

N_LOOKS = 400


def moved(instruments: Any, market: Any, unit: int, price_usd: float) -> Any:
    """The market with one unit's price at `price_usd`; volatility, time and basis stay."""
    own = np.asarray(instruments.unit) == unit
    scale = price_usd / market.index_usd[unit]
    index = market.index_usd.copy()
    index[unit] = price_usd
    forward = np.where(own, market.forward_usd * scale, market.forward_usd)
    there = _with(market, index_usd=index, forward_usd=forward)
    kind = instruments.kind
    option, stays = kind >= CALL, is_inverse(instruments) & (kind != SPOT)
    change = values(instruments, at_rest(instruments, there))
    change = (change - values(instruments, at_rest(instruments, market)))[:, 0]
    mark = market.mark_usd + change * quote_usd(instruments, market) * instruments.contract_size
    mark = np.where((market.mark_usd >= 0.0) & (mark < 0.0), 0.0, mark)
    mark = np.where(option, mark, np.where(stays, market.mark_usd, market.mark_usd * scale))
    return _with(there, mark_usd=np.where(own, mark, market.mark_usd))


def excess(
    world: Any, book: Any, unit: int, price_usd: float, *, market: Whole | None = None,
    owners: Whole | None = None, follows: Whole | None = None,
) -> Whole:  # fmt: skip
    """Equity less MM of every account at a price, (n,) quanta.

    `market` and `owners` are exposures as `sweep` takes them, held; `follows` (n,) is the part of
    `book.cash` that moves with the price.
    """
    there = moved(world.instruments, world.market, unit, price_usd)
    if follows is not None:
        after = np.floor(follows * (price_usd / world.market.index_usd[unit]))
        book = _with(book, cash=book.cash - follows + after.astype(np.int64))
    risk = risk_array(
        world.instruments, there, world.scenarios, world.lot, quantum=world.quantum
    )  # fmt: skip
    rates = margin.rates(world.instruments, there, risk, world.model)
    standing = sweep(
        risk.cells, rates, world.instruments, world.model, book,
        market=market, owners=owners, quantum=world.quantum,
    )  # fmt: skip
    difference: Whole = standing["equity"] - standing["mm"]
    return difference


def looks(today: float, move: float, n: int) -> list[int]:
    """Ticks from today's price outwards to `move` of it, evenly apart in the logarithm.

    `today` is in ticks, and need not be whole.
    """
    end = max(np.ceil(today * (1.0 + move)), 1.0) if move < 0.0 else np.floor(today * (1.0 + move))
    ticks = np.rint(today * (end / today) ** (np.arange(1, n + 1) / n))
    ticks[-1] = end
    ahead = ticks < today if move < 0.0 else ticks > today
    return list(dict.fromkeys(ticks[ahead].astype(np.int64).tolist()))


def liquidation_prices(
    world: Any, book: Any, unit: int, *, ticks_per_usd: float, move: float,
    n_looks: int = N_LOOKS, **held: Whole | None,
) -> list[int | None]:  # fmt: skip
    """Of every account the first tick found, on the side of `move`, at which equity < MM.

    Accounts that are liquidatable today are not asked: their answer is None too. `held` are the
    exposures and the cash that `excess` takes. A fall below MM and back between two looks is not
    seen.
    """
    today = float(world.market.index_usd[unit]) * ticks_per_usd
    near = np.full(len(book.offset) - 1, np.ceil(today) if move < 0.0 else np.floor(today))
    far = np.full(len(near), np.nan)
    far[excess(world, book, unit, today / ticks_per_usd, **held) < 0] = np.inf
    for tick in looks(today, move, n_looks):
        if not np.isnan(far).any():
            break
        below = excess(world, book, unit, tick / ticks_per_usd, **held) < 0
        looking = np.isnan(far)
        near[looking & ~below] = tick
        far[looking & below] = tick
    out: list[int | None] = []
    for a, (ok, bad) in enumerate(zip(near.tolist(), far.tolist(), strict=True)):
        one = _only(book, a)
        follows = held.get("follows")
        own = held | {"follows": None if follows is None else follows[a : a + 1]}
        while np.isfinite(bad) and abs(bad - ok) > 1:
            middle = (ok + bad) // 2
            if excess(world, one, unit, middle / ticks_per_usd, **own)[0] < 0:
                bad = middle
            else:
                ok = middle
        out.append(int(bad) if np.isfinite(bad) else None)
    return out


def _only(book: Any, a: int) -> Any:
    """A book of one account; owners keep their numbers."""
    columns: dict[str, NDArray[Any]] = {}
    for offset, names in (
        ("offset", ("instrument", "lots")),
        ("order_offset", ("order_instrument", "order_lots", "order_limit")),
    ):
        at = getattr(book, offset)
        if at is not None:
            columns[offset] = np.array([0, at[a + 1] - at[a]], dtype=np.int64)
            columns |= {name: getattr(book, name)[at[a] : at[a + 1]] for name in names}
    for name in ("cash", "mode", "owner"):
        if getattr(book, name) is not None:
            columns[name] = getattr(book, name)[a : a + 1]
    return _with(book, **columns)


def _with(columns: Any, **changes: Column | Whole | NDArray[Any]) -> Any:
    out = copy(columns)
    for name, column in changes.items():
        object.__setattr__(out, name, column)
    return out
