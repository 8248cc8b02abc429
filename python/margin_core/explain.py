# SPDX-License-Identifier: Apache-2.0
"""Why an account must hold what it must hold, in its parts, position by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.book import MODES, Book
from margin_core.sweep import PARTS, STATUS, sweep
from margin_core.table import Table

if TYPE_CHECKING:
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
    units : Table
        unit, group, scan, scenario: each underlying alone.
    groups : Table
        group, sum_of_scans, joint_scan, scenario, offset, core: each set of units together.
    positions : Table
        instrument, quantity, mark_value, delta, pnl_unit_worst, pnl_group_worst, charges, alone:
        P&L in its unit's and its group's worst scenario, its linear charges, and what the
        position would need in an account of its own (MM).
    modes : Table
        mode, im, mm, free: the same holdings under every account mode; `free` is equity - IM.
    capital_freed : float
        What isolated accounts would have needed in IM, less this account's IM.
    """

    account: str
    mode: str
    status: str
    numeraire: str
    equity: float
    im: float
    mm: float
    rounding: float
    parts: Table
    units: Table
    groups: Table
    positions: Table
    modes: Table
    capital_freed: float

    def __repr__(self) -> str:
        return (
            f"<{self.account}: equity {self.equity:,.2f}, IM {self.im:,.2f}, "
            f"MM {self.mm:,.2f} {self.numeraire}, {self.status}>"
        )

    def text(self) -> str:
        """The explanation in sentences and tables, 80 columns wide."""
        from margin_core.render import explanation_text

        return explanation_text(self)


def explain(book: Book, margin: Margin, account: str, *, standing: Standing | None = None) -> Explanation:
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

    Raises
    ------
    UnknownInstrumentError
        There is no such account.
    """
    row = book.row_of(account)
    if standing is None or standing.unit_scan is None:
        standing = sweep(book, margin, units=True)
    one = book.select([row])
    risk = margin.risk
    unit = standing.quantum

    packed = one.pack(risk)
    held, lots = packed.row, packed.lots
    names = risk.instruments.name[held]
    unit_of = risk.numbering.unit[held]
    group_of_unit = np.array([margin.groups.index(margin.model.unit(u).group) for u in margin.units])
    unit_worst = np.maximum(standing.unit_scenario[row][unit_of], 0)  # type: ignore[index]
    group_worst = np.maximum(standing.joint_scenario[row][group_of_unit[unit_of]], 0)
    rates = [margin.handle.rates(int(i)) for i in held]
    linear = np.array([r["closing"] + r["oracle"] for r in rates], dtype=np.float64)

    positions = Table(
        {
            "instrument": names,
            "quantity": lots * risk.lot[held],
            "mark_value": lots * risk.column("mark")[held] * unit,
            "delta": lots * risk.column("delta")[held] * unit,
            "pnl_unit_worst": lots * risk.cells[held, unit_worst] * unit,
            "pnl_group_worst": lots * risk.cells[held, group_worst] * unit,
            "charges": np.abs(lots) * linear * unit,
            "alone": _alone(one, margin, held, lots),
        }
    )
    modes = _modes(one, margin)
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
        parts=_parts(standing, margin, row),
        units=_units(standing, margin, row, group_of_unit),
        groups=_groups(standing, margin, row, group_of_unit),
        positions=positions,
        modes=modes,
        capital_freed=isolated - im,
    )


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
    if q["core"] == 0 and mm == 0 and q["mm"] > 0 and q["closing"] == 0:
        lines = [("notional x rate, by tier", q["mm"], q["im"])]  # cross and isolated accounts
    else:
        lines.append(("raised to the cost of closing", max(0, q["mm"] - mm), max(0, q["im"] - im)))
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
    return Table(
        {
            "unit": np.array([margin.units[u] for u in at], dtype=object),
            "group": np.array([margin.groups[group_of_unit[u]] for u in at], dtype=object),
            "scan": standing.unit_scan[row][at] * standing.quantum,
            "scenario": np.array(
                [standing.scenario_names[standing.unit_scenario[row][u]] for u in at], dtype=object
            ),
        }
    )


def _groups(standing: Standing, margin: Margin, row: int, group_of_unit: Any) -> Table:
    assert standing.unit_scan is not None and standing.joint_scan is not None
    names, sums, joints, scenarios, offsets = [], [], [], [], []
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
    return Table(
        {
            "group": np.array(names, dtype=object),
            "sum_of_scans": np.array(sums, dtype=np.float64) * standing.quantum,
            "joint_scan": np.array(joints, dtype=np.float64) * standing.quantum,
            "scenario": np.array(scenarios, dtype=object),
            "offset": np.array(offsets, dtype=np.float64) * standing.quantum,
            "core": (np.array(sums) - np.array(offsets)) * standing.quantum,
        }
    )


def _alone(one: Book, margin: Margin, held: Any, lots: Any) -> Any:
    """MM of every position in a portfolio account of its own."""
    if len(held) == 0:
        return np.empty(0)
    names = margin.instruments.name[held]
    apart = Book.from_columns(
        len(held),
        (np.arange(len(held)), np.arange(len(held)), names.tolist(), lots * margin.risk.lot[held]),
    )
    standing = sweep(apart, margin, market_exposure=False, threads=1)
    return standing.amount("mm")


def _modes(one: Book, margin: Margin) -> Table:
    standings = [sweep(one.with_mode(m), margin, market_exposure=False, threads=1) for m in MODES]
    im = np.array([float(s.amount("im")[0]) for s in standings])
    return Table(
        {
            "mode": np.array(MODES, dtype=object),
            "im": im,
            "mm": np.array([float(s.amount("mm")[0]) for s in standings]),
            "free": np.array([float(s.amount("equity")[0]) for s in standings]) - im,
        }
    )
