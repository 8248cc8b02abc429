# SPDX-License-Identifier: Apache-2.0
"""Why an account must hold what it must hold, in its parts, position by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.book import MODES, Book, cost_bases, order_rows
from margin_core.checks import is_a
from margin_core.liquidation_price import account_prices
from margin_core.sweep import PARTS, STATUS, check_standing, sweep
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.margin import Margin
    from margin_core.sweep import Standing

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One account's requirement taken apart; amounts in the numeraire.

    Attributes
    ----------
    account, mode, status : str
    equity, im, mm : float
    rounding : float
        By how much the rounding of the cells can have moved the scan.
    parts : Table
        part, im, mm: what the two requirements are made of, in the order of the sum.
    n_scenarios : int
        Of how many the worst is taken.
    units : Table
        unit, group, scan, scenario: each underlying alone; move, weight: its spot move in its
        group's worst scenario, and with what weight the P&L counts there.
    groups : Table
        group, sum_of_scans, joint_scan, scenario, offset, core: each set of units together;
        numeraire_move: the numeraire's own move in that scenario, 0 for USD.
    positions : Table
        instrument, group, quantity, mark_value, delta, pnl_unit_worst, pnl_group_worst, charges,
        alone: P&L in its unit's and its group's worst scenario, its linear charges, and what the
        position would need in an account of its own in the same mode (MM). A future's or
        perpetual's mark_value is its unrealised profit: its cost basis belongs to it, not to a
        balance.
    orders : Table
        instrument, group, quantity, limit_price, pnl_unit_worst, pnl_group_worst: the loss of each
        open order that fills in its unit's and its group's worst scenario, 0 where it would gain.
    modes : Table
        mode, im, mm, free: the same holdings under every account mode; `free` is equity - IM.
    parent : str or None
        The account that this pocket belongs to.
    pockets : Table
        account, equity, im, mm, status: the account's own pockets, in which nothing is netted.
    capital_freed : float
        What isolated accounts would have needed in IM, less this account's IM.
    prices : Table or None
        unit, price_usd, below_usd, above_usd and more, as `LiquidationPrices.table`: each unit that
        the account has a position or an order in, moved alone. None where not asked for.
    """

    account: str
    mode: str
    status: str
    numeraire: str
    equity: float
    im: float
    mm: float
    rounding: float
    n_scenarios: int
    parts: Table
    units: Table
    groups: Table
    positions: Table
    orders: Table
    modes: Table
    capital_freed: float
    parent: str | None
    pockets: Table
    prices: Table | None = None

    def __repr__(self) -> str:
        return (
            f"<{self.account}: equity {self.equity:,.2f}, IM {self.im:,.2f}, "
            f"MM {self.mm:,.2f} {self.numeraire}, {self.status}>"
        )

    def text(self) -> str:
        """The explanation in sentences and tables, 80 columns wide."""
        from margin_core.render import explanation_text

        return explanation_text(self)


def explain(
    book: Book,
    margin: Margin,
    account: str,
    *,
    standing: Standing | None = None,
    prices: bool = False,
) -> Explanation:
    """Take one account's requirement apart.

    Parameters
    ----------
    book : Book
    margin : Margin
    account : str
        The account's name.
    standing : Standing, optional
        Of the whole book, from `sweep(..., units=True)`; without it the book is swept, because an
        owner's other accounts and the market count in the concentration charge.
    prices : bool
        Also find the account's liquidation prices. The book is packed once more, and a margin table
        of the account's instruments is made at some fifty prices a side and unit.

    Raises
    ------
    ArgumentError
        No `Book` (a packed one no longer knows its entry prices), or a standing of another one.
    UnknownInstrumentError
        There is no such account.
    ExactnessError
        With `prices`: the account's sums pass 2^53 quanta at a price that was looked at.
    """
    is_a("book", book, Book)
    row = book.row_of(account)
    if standing is not None:
        check_standing(standing, len(book))
    if standing is None or standing.unit_scan is None:
        standing = sweep(book, margin, units=True)
    one = book.select([row])
    risk = margin.risk
    unit = standing.quantum

    group_of_unit = np.array(
        [margin.groups.index(margin.model.unit(u).group) for u in margin.units]
    )
    positions = _positions(one, standing, margin, row, group_of_unit)
    modes = _modes(one, margin, standing, row)
    im = float(standing.quanta["im"][row] * unit)
    isolated = float(modes["im"][MODES.index("isolated")])
    return Explanation(
        account=str(book.accounts[row]),
        mode=MODES[book.mode[row]],
        status=STATUS[standing.status[row]],
        numeraire=standing.numeraire,
        equity=float(standing.quanta["equity"][row] * unit),
        im=im,
        mm=float(standing.quanta["mm"][row] * unit),
        rounding=float(standing.quanta["rounding"][row] * unit),
        n_scenarios=len(risk.scenarios),
        parts=_parts(standing, margin, row),
        units=_units(standing, margin, row, group_of_unit),
        groups=_groups(standing, margin, row, group_of_unit),
        positions=positions,
        orders=_orders(one, standing, margin, row, group_of_unit),
        modes=modes,
        capital_freed=isolated - im,
        parent=None if book.parent[row] < 0 else str(book.accounts[book.parent[row]]),
        pockets=_pockets(book, standing, row),
        prices=account_prices(book, margin, account) if prices else None,
    )


@dataclass(frozen=True)
class _Lines:
    """Lines of the positions table: what is held, cost bases counted with their contracts.

    `row` of the risk array and `lots`; `basis_row`, `basis_lots` are the coins of an inverse
    contract's cost basis, which move with it, and `basis_cash`, quanta, is what does not move.
    """

    row: NDArray[np.int64]
    lots: NDArray[np.float64]
    basis_row: NDArray[np.int64]
    basis_lots: NDArray[np.float64]
    basis_cash: NDArray[np.float64]

    @classmethod
    def of(cls, one: Book, margin: Margin) -> _Lines:
        risk = margin.risk
        packed, bases = one.pack(risk), cost_bases(one, risk)
        per_lot = np.rint(risk.lot / risk.instruments.step)
        # row: [lots, row of the coins, lots of coins, cash]
        lines: dict[int, list[Any]] = {
            row: [lots, row, 0.0, 0.0]
            for row, lots in zip(packed.row.tolist(), packed.lots.tolist(), strict=True)
        }
        for row, currency, in_coin, steps, cash in zip(
            *(getattr(bases, name).tolist()
              for name in ("contract", "currency", "in_coin", "steps", "cash")),
            strict=True,
        ):  # fmt: skip
            if not in_coin:
                lines.setdefault(row, [0.0, row, 0.0, 0.0])[3] += cash
            elif row in lines:  # else the contract is closed and its coins are the account's
                coins = steps / per_lot[currency]
                lines.setdefault(currency, [0.0, currency, 0.0, 0.0])[0] -= coins
                lines[row][1] = currency
                lines[row][2] += coins
        # Less than a lot of a balance is what rounding left; it stays with the cost basis.
        dust = [row for row, line in lines.items() if abs(line[0]) < 1.0 and line[3] == 0.0]
        for row in dust:
            rest = lines.pop(row)[0]
            holder = next((line for line in lines.values() if line[1] == row), None)
            if holder is not None:
                holder[2] += rest
        rows = sorted(lines)
        columns = list(zip(*(lines[row] for row in rows), strict=True)) or [()] * 4
        lots, basis_row, basis_lots, basis_cash = columns
        return cls(
            row=np.array(rows, dtype=np.int64),
            lots=np.array(lots, dtype=np.float64),
            basis_row=np.array(basis_row, dtype=np.int64),
            basis_lots=np.array(basis_lots, dtype=np.float64),
            basis_cash=np.array(basis_cash, dtype=np.float64),
        )

    def total(self, values: NDArray[np.float64], of_basis: NDArray[np.float64]) -> Any:
        """Sum over the line of a value per lot."""
        return self.lots * values + self.basis_lots * of_basis


def _positions(
    one: Book, standing: Standing, margin: Margin, row: int, group_of_unit: Any
) -> Table:
    risk, quantum = margin.risk, standing.quantum
    lines = _Lines.of(one, margin)
    unit = risk.numbering.unit[lines.row]
    group = group_of_unit[unit]
    rates = [margin.handle.rates(int(i)) for i in lines.row]
    linear = np.array([r["closing"] + r["oracle"] for r in rates], dtype=np.float64)

    def total(values: NDArray[np.float64]) -> Any:
        return lines.total(values[lines.row], values[lines.basis_row])

    def pnl(scenario: Any) -> Any:
        z = np.maximum(scenario, 0)
        return lines.total(risk.cells[lines.row, z], risk.cells[lines.basis_row, z]) * quantum

    assert standing.unit_scenario is not None
    return Table(
        {
            "instrument": risk.instruments.name[lines.row],
            "group": np.array(margin.groups, dtype=object)[group],
            "quantity": lines.lots * risk.lot[lines.row],
            "mark_value": (total(risk.column("mark")) + lines.basis_cash) * quantum,
            "delta": total(risk.column("delta")) * quantum,
            "pnl_unit_worst": pnl(standing.unit_scenario[row][unit]),
            "pnl_group_worst": pnl(standing.joint_scenario[row][group]),
            "charges": np.abs(lines.lots) * linear * quantum,
            "alone": _alone(margin, lines, int(one.mode[0])),
        }
    )


def _orders(one: Book, standing: Standing, margin: Margin, row: int, group_of_unit: Any) -> Table:
    """Open orders in the core's order: by instrument."""
    risk, packed = margin.risk, one.pack(margin.risk)
    at = np.empty(0, dtype=np.int32) if packed.order_row is None else packed.order_row
    lots = np.empty(0) if packed.order_lots is None else packed.order_lots
    limit = np.empty(0) if packed.order_limit is None else packed.order_limit
    given = np.argsort(order_rows(one, risk), kind="stable")  # as packing sorts one account's
    unit = risk.numbering.unit[at]
    group = group_of_unit[unit]

    def loss(scenario: Any) -> Any:
        cells = risk.cells[at, np.maximum(scenario, 0)]
        filled = lots * cells + (risk.column("mark")[at] - limit) * lots
        return np.where(scenario >= 0, np.minimum(filled, 0.0), 0.0) * standing.quantum

    assert standing.unit_scenario is not None
    assert one.orders.price is not None
    return Table(
        {
            "instrument": risk.instruments.name[at],
            "group": np.array(margin.groups, dtype=object)[group],
            "quantity": one.orders.quantity[given],
            "limit_price": one.orders.price[given],
            "pnl_unit_worst": loss(standing.unit_scenario[row][unit]),
            "pnl_group_worst": loss(standing.joint_scenario[row][group]),
        }
    )


def _pockets(book: Book, standing: Standing, row: int) -> Table:
    """The account's pockets, the one nearest liquidation first."""
    rows = np.flatnonzero(book.parent == row)
    rows = rows[np.argsort(standing.ranks[rows])] if len(rows) else rows
    columns: dict[str, Any] = {"account": book.accounts[rows]}
    for name in ("equity", "im", "mm"):
        columns[name] = standing.amount(name)[rows]
    columns["status"] = np.array(STATUS, dtype=object)[standing.status[rows]]
    return Table(columns)


def _ceil_1024(value: int, factor: int) -> int:
    return -((-value * factor) // 1024)


def _parts(standing: Standing, margin: Margin, row: int) -> Table:
    q = {name: int(standing.quanta[name][row]) for name in (*PARTS, "im", "mm")}
    factors = margin.model.factors
    lines = [
        (f"scan core x {factors.mm_k}/1024, x {factors.im_k}/1024",
         _ceil_1024(q["core"], factors.mm_k), _ceil_1024(q["core"], factors.im_k)),
        ("short-option minimum", q["short_option_mm"], q["short_option_im"]),
        ("basis and roll", q["roll"], q["roll"]),
        ("vega by tenor", q["vega"], q["vega"]),
        ("concentration", q["concentration"], q["concentration"]),
        ("oracle uncertainty", q["oracle"], q["oracle"]),
    ]  # fmt: skip
    mm, im = sum(line[1] for line in lines), sum(line[2] for line in lines)
    haircut = q["haircut_mm"], q["haircut_im"]
    if q["core"] == 0 and mm == 0 and q["mm"] > haircut[0] and q["closing"] == 0:
        lines = [("notional x rate, by tier", q["mm"], q["im"])]  # cross and isolated accounts
    else:
        closing = max(0, q["mm"] - mm - haircut[0]), max(0, q["im"] - im - haircut[1])
        lines.append(("raised to the cost of closing", *closing))
        if any(haircut):
            lines.append(("collateral haircuts", *haircut))
    return Table(
        {
            "part": np.array([line[0] for line in lines], dtype=object),
            "im": np.array([line[2] for line in lines]) * standing.quantum,
            "mm": np.array([line[1] for line in lines]) * standing.quantum,
        }
    )


def _units(standing: Standing, margin: Margin, row: int, group_of_unit: Any) -> Table:
    assert standing.unit_scan is not None and standing.unit_scenario is not None
    at = np.flatnonzero(standing.unit_scenario[row] >= 0)
    scenarios = margin.risk.scenarios
    cell = (at, np.maximum(standing.joint_scenario[row][group_of_unit[at]], 0))
    return Table(
        {
            "unit": np.array([margin.units[u] for u in at], dtype=object),
            "group": np.array([margin.groups[group_of_unit[u]] for u in at], dtype=object),
            "scan": standing.unit_scan[row][at] * standing.quantum,
            "scenario": np.array(
                [standing.scenario_names[standing.unit_scenario[row][u]] for u in at], dtype=object
            ),
            "move": scenarios.spot_move[cell],
            "weight": scenarios.weight[cell],
        }
    )


def _groups(standing: Standing, margin: Margin, row: int, group_of_unit: Any) -> Table:
    assert standing.unit_scan is not None and standing.joint_scan is not None
    names, sums, joints, scenarios, offsets, moves = [], [], [], [], [], []
    coin = standing.numeraire if standing.numeraire in margin.units else None
    for g, name in enumerate(margin.groups):
        z = int(standing.joint_scenario[row][g])
        if z < 0:
            continue
        scans = int(standing.unit_scan[row][group_of_unit == g].sum())
        joint = int(standing.joint_scan[row][g])
        k = margin.model.groups[name].lambda_k
        names.append(name)
        sums.append(scans)
        joints.append(joint)
        scenarios.append(standing.scenario_names[z])
        offsets.append(k * (scans - joint) / 1024)
        move = margin.risk.scenarios.spot_move
        moves.append(0.0 if coin is None else float(move[margin.units.index(coin), z]))
    return Table(
        {
            "group": np.array(names, dtype=object),
            "sum_of_scans": np.array(sums, dtype=np.float64) * standing.quantum,
            "joint_scan": np.array(joints, dtype=np.float64) * standing.quantum,
            "scenario": np.array(scenarios, dtype=object),
            "offset": np.array(offsets, dtype=np.float64) * standing.quantum,
            "core": (np.array(sums) - np.array(offsets)) * standing.quantum,
            "numeraire_move": np.array(moves, dtype=np.float64),
        }
    )


def _alone(margin: Margin, lines: _Lines, mode: int) -> Any:
    """MM of every position in an account of its own."""
    n = len(lines.row)
    if n == 0:
        return np.empty(0)
    number = np.arange(n)
    quantity = lines.lots * margin.risk.lot[lines.row]
    names = margin.instruments.name[lines.row].tolist()
    apart = Book.from_columns(n, (number, number, names, quantity), mode=np.full(n, mode))
    return sweep(apart, margin, market_exposure=False, threads=1).amount("mm")


def _modes(one: Book, margin: Margin, standing: Standing, row: int) -> Table:
    """The account in every mode; in another than its own, without the market's concentration."""
    own = int(one.mode[0])
    columns: dict[str, list[float]] = {"im": [], "mm": [], "equity": []}
    for number, mode in enumerate(MODES):
        alone = sweep(one.with_mode(mode), margin, market_exposure=False, threads=1)
        here, at = (standing, row) if number == own else (alone, 0)
        for name, values in columns.items():
            values.append(float(here.amount(name)[at]))
    im = np.array(columns["im"])
    return Table(
        {
            "mode": np.array(MODES, dtype=object),
            "im": im,
            "mm": np.array(columns["mm"]),
            "free": np.array(columns["equity"]) - im,
        }
    )
