# SPDX-License-Identifier: Apache-2.0
"""Every account at once: equity, requirements, status, and who is nearest the edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _sweep
from margin_core.book import Book, PackedBook, packed_for
from margin_core.errors import ArgumentError, ExactnessError, MarginCoreError
from margin_core.isa import as_threads
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from margin_core.margin import Margin
    from margin_core.risk import RiskArray

__all__ = ["STATUS", "Standing", "rank", "scan", "sweep"]

#: In the order of the core's numbers.
STATUS = ("ok", "reduce_only", "liquidatable", "bankrupt")

#: Accounts between two looks at the keyboard and the progress bar: a few milliseconds each.
CHUNK = 131_072

PARTS = ("core", "short_option_mm", "short_option_im", "roll", "vega", "concentration", "oracle",
         "closing", "haircut_mm", "haircut_im")  # fmt: skip

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Standing:
    """What every account is worth and must hold; whole quanta inside, USD at the edges.

    Attributes
    ----------
    accounts : (n,) object
    quanta : dict of (n,) int64
        equity, im, mm, rounding and the parts of a requirement: core, short_option_mm,
        short_option_im, roll, vega, concentration, oracle, closing, haircut_mm, haircut_im.
    status : (n,) uint8
        Index into `STATUS`.
    joint_scenario : (n, n_groups) int32
        The worst scenario of each group; -1 where nothing is held.
    joint_scan : (n, n_groups) int64, quanta, or None
    unit_scan : (n, n_units) int64, quanta, or None
    unit_scenario : (n, n_units) int32, or None
    quantum : float
        What one quantum is, in the numeraire.
    parent : (n,) int64
        The account that a pocket belongs to; -1 where none.
    """

    accounts: NDArray[Any]
    quanta: dict[str, NDArray[np.int64]]
    status: NDArray[np.uint8]
    joint_scenario: NDArray[np.int32]
    joint_scan: NDArray[np.int64] | None
    unit_scan: NDArray[np.int64] | None
    unit_scenario: NDArray[np.int32] | None
    scenario_names: tuple[str, ...]
    groups: tuple[str, ...]
    units: tuple[str, ...]
    quantum: float
    numeraire: str
    parent: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.accounts)

    def amount(self, name: str) -> NDArray[np.float64]:
        """A column of `quanta` in the numeraire, (n,) float64."""
        return in_numeraire(self.quanta[name], self.quantum)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Accounts from the one nearest liquidation to the safest; see `rank`."""
        return rank(self.quanta["equity"], self.quanta["mm"])

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """Each account's place in `order`, from 0."""
        ranks = np.empty(len(self), dtype=np.int64)
        ranks[self.order] = np.arange(len(self))
        return ranks

    def worst_scenarios(self, accounts: ArrayLike | None = None) -> NDArray[Any]:
        """The scenarios that bind, "majors: -1.00R vol up; coins: ...", (n,) object."""
        rows = np.arange(len(self)) if accounts is None else np.asarray(accounts)
        chosen, codes = np.unique(self.joint_scenario[rows], axis=0, return_inverse=True)
        texts = np.array(
            [
                "; ".join(
                    f"{group}: {self.scenario_names[z]}"
                    for group, z in zip(self.groups, line.tolist(), strict=True)
                    if z >= 0 and self.scenario_names[z] != "base"
                )
                for line in chosen
            ],
            dtype=object,
        )
        return texts[codes.reshape(-1)] if len(rows) else np.empty(0, dtype=object)

    def table(self, accounts: ArrayLike | None = None, *, parts: bool = False) -> Table:
        """The results as columns, of some accounts or all, in that order.

        account, parent (where any account has one), equity, im, mm, status, rank,
        worst_scenarios, rounding, and the parts of the requirement where asked for; amounts end in
        the numeraire, `equity_usd`.
        """
        rows = slice(None) if accounts is None else np.asarray(accounts)
        unit = self.numeraire.lower()
        columns: dict[str, Any] = {"account": self.accounts[rows]}
        if (self.parent >= 0).any():
            parent = self.parent[rows]
            names = self.accounts[parent]
            names[parent < 0] = None
            columns["parent"] = names
        for name in ("equity", "im", "mm"):
            columns[f"{name}_{unit}"] = self.amount(name)[rows]
        columns["status"] = np.array(STATUS, dtype=object)[self.status[rows]]
        columns["rank"] = self.ranks[rows]
        columns["worst_scenarios"] = self.worst_scenarios(
            None if accounts is None else np.asarray(accounts)
        )
        if parts:
            for name in PARTS:
                columns[f"{name}_{unit}"] = self.amount(name)[rows]
        columns[f"rounding_{unit}"] = self.amount("rounding")[rows]
        return Table(columns)

    def nearest(self, n: int = 10) -> Table:
        """The n accounts nearest liquidation, worst first."""
        return self.table(self.order[:n])

    def by_parent(self) -> Table:
        """Accounts that have pockets, each with its pockets: one row an account.

        account, pockets (how many), equity, im, mm (sums), lacking, and the worst status among
        them. `lacking` is what each of them is below its MM, added up: a pocket is an account of
        its own, so that another's surplus does not pay for it.
        """
        pocket = np.flatnonzero(self.parent >= 0)
        head, member_of = np.unique(self.parent[pocket], return_inverse=True)
        members = np.concatenate([head, pocket])
        family = np.concatenate([np.arange(len(head)), member_of])
        amounts = {name: self.amount(name)[members] for name in ("equity", "im", "mm")}
        amounts["lacking"] = np.maximum(amounts["mm"] - amounts["equity"], 0.0)
        worst = np.zeros(len(head), dtype=np.uint8)
        np.maximum.at(worst, family, self.status[members])
        columns: dict[str, Any] = {
            "account": self.accounts[head],
            "pockets": np.bincount(member_of, minlength=len(head)),
        }
        for name, values in amounts.items():
            columns[f"{name}_{self.numeraire.lower()}"] = np.bincount(family, values, len(head))
        columns["status"] = np.array(STATUS, dtype=object)[worst]
        return Table(columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table(parts=True).__arrow_c_stream__(requested_schema)

    def counts(self) -> dict[str, int]:
        """How many accounts have each status."""
        counts = np.bincount(self.status, minlength=len(STATUS))
        return dict(zip(STATUS, counts.tolist(), strict=True))

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {name}" for name, n in self.counts().items() if n)
        return f"<standing of {len(self)} accounts: {counts}>"


def in_numeraire(quanta: NDArray[np.int64], quantum: float) -> NDArray[np.float64]:
    """Whole quanta as amounts; 239620310415 of 1e-6 are 239620.310415, rounded once."""
    per_unit = round(1.0 / quantum)
    if per_unit > 1 and 1.0 / per_unit == quantum:
        return quanta / np.float64(per_unit)
    return quanta * np.float64(quantum)


def sweep(
    book: Book | PackedBook,
    margin: Margin,
    *,
    market_exposure: bool = True,
    units: bool = False,
    threads: int = 0,
    progress: Progress | None = None,
) -> Standing:
    """Margin every account of a book.

    Parameters
    ----------
    book : Book or PackedBook
        A book is packed to the margin's risk lots first; pack it yourself to sweep it again. Lots
        follow prices and ranges: under a margin with others it must be packed anew.
    margin : Margin
    market_exposure : bool
        Charge for the whole market's one-sided exposure as well as each owner's.
    units : bool
        Also return every group's and unit's scan and worst scenario.
    threads : int
        0: one per processor. The bits are the same for any number.
    progress : callable (done, total), optional
        Called between chunks of accounts, on this thread; it may raise to stop.

    Returns
    -------
    Standing

    Raises
    ------
    ArgumentError
        The book is packed under other risk lots.
    ExactnessError
        An account whose sums pass 2^53 quanta; `row` is the account.

    Notes
    -----
    An interrupt (Ctrl-C) is noticed between chunks: nothing is returned then.
    """
    if not hasattr(margin, "handle") or not hasattr(margin, "risk"):
        raise ArgumentError(f"a Margin is needed, not {type(margin).__name__}")
    threads = as_threads(threads)
    packed = packed_for(book, margin.risk)
    names = packed.accounts
    n, n_groups, n_units = len(packed.cash), len(margin.groups), len(margin.units)
    market, owners = exposure_of(packed, margin, market_exposure, threads)

    whole = {name: np.empty(n, dtype=np.int64) for name in _sweep.COLUMNS}
    status = np.empty(n, dtype=np.uint8)
    by_account: dict[str, NDArray[Any]] = {**whole, "status": status}
    wide: dict[str, NDArray[Any]] = {"joint_scenario": np.empty((n, n_groups), dtype=np.int32)}
    if units:
        wide["joint_scan"] = np.empty((n, n_groups), dtype=np.int64)
        wide["unit_scan"] = np.empty((n, n_units), dtype=np.int64)
        wide["unit_scenario"] = np.empty((n, n_units), dtype=np.int32)

    for first in range(0, n, CHUNK):
        if progress is not None:
            progress(first, n)
        count = min(CHUNK, n - first)
        part = slice(first, first + count)
        out = {name: column[part] for name, column in by_account.items()}
        out |= {name: cells[part].reshape(-1) for name, cells in wide.items()}
        try:
            _sweep.sweep(margin.handle, packed.handle, first, count, threads, market, owners, out)
        except ExactnessError as error:
            raise named(error, names) from None
    if progress is not None:
        progress(n, n)
    for column in (*by_account.values(), *wide.values()):
        column.flags.writeable = False
    return Standing(
        accounts=names,
        quanta=whole,
        status=status,
        joint_scenario=wide["joint_scenario"],
        joint_scan=wide.get("joint_scan"),
        unit_scan=wide.get("unit_scan"),
        unit_scenario=wide.get("unit_scenario"),
        scenario_names=margin.risk.scenarios.names,
        groups=margin.groups,
        units=margin.units,
        quantum=margin.risk.quantum,
        numeraire=margin.risk.numeraire,
        parent=packed.parent,
    )


def scan(
    book: Book | PackedBook, risk: RiskArray, *, threads: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The worst P&L of every account over all its positions, and the scenario where it happens.

    One minimum per account, no groups, charges, orders or modes: for stress tests. Works on
    unrounded risk arrays too.

    Returns
    -------
    worst_pnl : (n,) float64
        In the numeraire; a loss is negative.
    scenario : (n,) int32
        The first on a tie.
    """
    threads = as_threads(threads)
    packed = packed_for(book, risk)
    worst = np.empty(len(packed.cash))
    scenario = np.empty(len(packed.cash), dtype=np.int32)
    try:
        _sweep.scan(risk.handle, packed.handle, 0, worst, scenario, threads)
    except ExactnessError as error:
        raise named(error, packed.accounts) from None
    return worst * (risk.quantum or 1.0), scenario


def rank(equity: ArrayLike, mm: ArrayLike) -> NDArray[np.int64]:
    """Accounts by equity / MM, compared exactly; the lower account first on a tie.

    Parameters
    ----------
    equity, mm : (n,) int64, quanta
        MM = 0 with negative equity comes first, MM = 0 with equity >= 0 last.

    Examples
    --------
    >>> rank([50, -1, 10], [100, 0, 100])
    array([1, 2, 0])
    """
    equities = np.ascontiguousarray(equity, dtype=np.int64)
    requirements = np.ascontiguousarray(mm, dtype=np.int64)
    order = np.empty(len(equities), dtype=np.int64)
    _sweep.rank(equities, requirements, order)
    order.flags.writeable = False
    return order


def check_standing(standing: Standing, n_accounts: int) -> None:
    """Refuses a standing that cannot be the book's."""
    if len(standing) != n_accounts:
        raise ArgumentError(f"standing is of {len(standing)} accounts, the book has {n_accounts}")


def exposure_of(
    packed: PackedBook, margin: Margin, with_market: bool, threads: int
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """One-sided notional of the market and of owners of several accounts, as a sweep takes it."""
    if not with_market and packed.n_owners == 0:
        return None, None
    n_sides = 2 * len(margin.units)
    market = np.empty(n_sides, dtype=np.int64)
    owners = np.empty(packed.n_owners * n_sides, dtype=np.int64) if packed.n_owners else None
    try:
        _sweep.exposure(margin.handle, packed.handle, threads, market, owners)
    except ExactnessError as error:
        raise named(error, packed.accounts) from None
    return (market if with_market else None), owners


def named(error: MarginCoreError, accounts: NDArray[Any]) -> MarginCoreError:
    """The core's error with the account's name in front, where it is about one."""
    if error.row is None:
        return error
    return type(error)(f"account {accounts[error.row]!r}: {error}", row=error.row)
