# SPDX-License-Identifier: Apache-2.0
"""docs/method/margin.md section 4, and every account of a book: the columns of sweep.h."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.errors import ExactnessError
from margin_core.reference import margin
from margin_core.reference.margin import Account, Standing, Whole

MOST = 2**62  #: where exposures stop growing
OK, REDUCE_ONLY, LIQUIDATABLE, BANKRUPT = range(4)

COLUMNS = (
    "equity", "im", "mm", "status", "core", "short_option_mm", "short_option_im", "roll", "vega",
    "concentration", "oracle", "closing", "haircut_mm", "haircut_im", "rounding", "joint_scan",
    "joint_scenario", "unit_scan", "unit_scenario",
)  # fmt: skip


def accounts(book: Any) -> Iterator[Account]:
    """The accounts of a book one by one."""
    n = len(book.offset) - 1
    nothing, none = np.zeros(0, np.int32), np.zeros(0, np.int64)
    for a in range(n):
        held = slice(book.offset[a], book.offset[a + 1])
        ordered = slice(0, 0)
        if book.order_offset is not None:
            ordered = slice(book.order_offset[a], book.order_offset[a + 1])
        with_orders = book.order_offset is not None
        yield Account(
            cash=0 if book.cash is None else int(book.cash[a]),
            instrument=book.instrument[held],
            lots=book.lots[held].astype(np.int64),
            order_instrument=book.order_instrument[ordered] if with_orders else nothing,
            order_lots=book.order_lots[ordered].astype(np.int64) if with_orders else none,
            order_limit=book.order_limit[ordered].astype(np.int64) if with_orders else none,
        )


def scan(cells: Any, book: Any) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Each account's worst P&L over one row of all its positions, and the first scenario of it."""
    worst, scenario = [], []
    largest = np.abs(cells).max(axis=1).astype(object)
    for a, account in enumerate(accounts(book)):
        check(a, sum(np.abs(account.lots) * largest[account.instrument]) < margin.EXACT)
        row = account.lots @ cells[account.instrument].astype(np.int64)
        z = int(np.argmin(row)) if len(account.lots) else 0
        worst.append(float(row[z]) if len(account.lots) else 0.0)
        scenario.append(z)
    return np.array(worst, np.float64), np.array(scenario, np.int32)


def exposure(
    cells: Any, rates: dict[str, Whole], instruments: Any, book: Any
) -> tuple[Whole, Whole]:
    """Gross notional by unit and side of the whole book, and of every owner."""
    largest = margin.gross(np.asarray(cells).astype(np.int64), rates)
    market = np.zeros((instruments.n_units, 2), np.int64)
    owners = np.zeros((book.n_owners, instruments.n_units, 2), np.int64)
    for a, account in enumerate(accounts(book)):
        check(a, margin.is_exact(account, largest, rates))
        own = margin.one_sided(account, rates, instruments)
        market = np.minimum(market + own, MOST)
        if book.owner is not None and book.owner[a] >= 0:
            owners[book.owner[a]] = np.minimum(owners[book.owner[a]] + own, MOST)
    return market, owners


def sweep(
    cells: Any,
    rates: dict[str, Whole],
    instruments: Any,
    model: Any,
    book: Any,
    *,
    market: Whole | None = None,
    owners: Whole | None = None,
    quantum: float = 1e-6,
) -> dict[str, NDArray[Any]]:
    """The columns of mc_standing, of all accounts; `market` and `owners` as from `exposure`."""
    cells = np.asarray(cells).astype(np.int64)
    largest = margin.gross(cells, rates)
    nothing = np.zeros((instruments.n_units, 2), np.int64)
    rows = []
    for a, account in enumerate(accounts(book)):
        check(a, margin.is_exact(account, largest, rates))
        mode = margin.PORTFOLIO if book.mode is None else int(book.mode[a])
        if mode == margin.PORTFOLIO:
            own = owner = margin.one_sided(account, rates, instruments)
            if owners is not None and book.owner is not None and book.owner[a] >= 0:
                owner = owners[book.owner[a]]
            crowd = nothing if market is None else market
            charge = margin.concentration(own, owner, crowd, model, quantum)
            rows.append(
                margin.portfolio(account, cells, rates, instruments, model, charge, quantum)
            )
        else:
            rows.append(margin.by_notional(account, rates, instruments, model, mode, quantum))
    return columns(rows, len(model.units), len(model.lambda_k))


def columns(rows: list[Standing], n_units: int, n_groups: int) -> dict[str, NDArray[Any]]:
    """Rows of standing as columns; matrices are (count, n_units) and (count, n_groups)."""
    width = {
        "joint_scan": n_groups, "joint_scenario": n_groups,
        "unit_scan": n_units, "unit_scenario": n_units,
    }  # fmt: skip
    out: dict[str, NDArray[Any]] = {}
    for name in COLUMNS:
        if name == "status":
            cells = [status(row.equity, row.mm, row.im) for row in rows]
        else:
            cells = [getattr(row, name) for row in rows]
        shape = (len(rows), width[name]) if name in width else (len(rows),)
        out[name] = np.array(cells, dtype=np.int64).reshape(shape)
    return out


def check(account: int, exact: bool) -> None:
    if not exact:
        raise ExactnessError(f"account {account} is beyond the bound of exact sums", row=account)


# ---------------------------------------------------------------------------------------------
# 4. Standing


def status(equity: int, mm: int, im: int) -> int:
    if equity < 0:
        return BANKRUPT
    if equity < mm:
        return LIQUIDATABLE
    return REDUCE_ONLY if equity < im else OK


def rank(equity: Any, mm: Any) -> NDArray[np.int64]:
    """Accounts from the nearest to liquidation to the safest, by the exact equity / MM."""

    def health(a: int) -> tuple[int, Fraction, int]:
        if mm[a] == 0:
            return (0 if equity[a] < 0 else 2), Fraction(0), a
        return 1, Fraction(int(equity[a]), int(mm[a])), a

    return np.array(sorted(range(len(equity)), key=health), dtype=np.int64)
