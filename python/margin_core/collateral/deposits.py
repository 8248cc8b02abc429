# SPDX-License-Identifier: Apache-2.0
"""A ledger of deposits that chains confirm and take back: whole quanta, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from margin_core.checks import is_a, shown, whole
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.earnings import holdings
from margin_core.collateral.finality import CREDIT_ONE, credit
from margin_core.errors import ArgumentError, DomainError, RowOrderError

__all__ = ["Deposit", "Deposits", "Totals"]

AMOUNT_MAX = (1 << 127) - 1
HEIGHT_MAX = (1 << 62) - 1


@dataclass(frozen=True)
class Deposit:
    """A transfer that a block of one branch of a chain holds.

    Attributes
    ----------
    id, account, asset, chain : str
    amount : int
        Quanta of the asset, positive.
    height : int
        Of the block.
    branch : int
        How many reorganisations of the chain its sender had seen.
    """

    id: str
    account: str
    asset: str
    chain: str
    amount: int
    height: int
    branch: int = 0


@dataclass(frozen=True)
class Totals:
    """Quanta; the three add up to what was ever deposited."""

    credited: int = 0
    pending: int = 0
    reverted: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.credited + other.credited,
            self.pending + other.pending,
            self.reverted + other.reverted,
        )


@dataclass
class _ChainState:
    heads: dict[int, int] = field(default_factory=dict)  # highest block seen, by branch
    forks: dict[int, int] = field(default_factory=dict)  # last block kept, by the branch it begins

    def confirmations(self, deposit: Deposit) -> int:
        """By the highest block that was seen on what is now the chain.

        None while a branch, the deposit's own or a later one, is not known to begin anywhere: what
        it keeps may be anything.
        """
        branch = max([0, *self.heads, *self.forks])
        if deposit.branch > branch or len(self.forks) < branch:
            return 0
        kept, head = HEIGHT_MAX, -1
        for number in range(branch, -1, -1):
            head = max(head, min(kept, self.heads.get(number, -1)))
            kept = min(kept, self.forks.get(number, HEIGHT_MAX))
        return head - deposit.height + 1

    def keeps(self, deposit: Deposit) -> bool:
        return all(
            height >= deposit.height for branch, height in self.forks.items()
            if branch > deposit.branch
        )  # fmt: skip


class Deposits:
    """Deposits, heads and reorganisations in; credit out.

    The state is a function of the set of events: their order does not matter and an event that
    comes twice counts once. A refused event changes nothing. A branch is what a chain is after its
    so many-th reorganisation; heads and deposits say on which they were seen. A transaction that is
    mined again after a reorganisation is a deposit of the same id on the later branch: it counts
    once.

    Blocks count once a head has said so: a reorganisation's height adds none, and a head of a
    branch whose beginning is not known credits nothing until it is. How fast a chain can grow is
    not checked: events have no time, and whose node sends them is the caller's to choose.
    """

    def __init__(self, catalogue: Catalogue | str = "house") -> None:
        self._catalogue = load_catalogue(catalogue)
        self._chains: dict[str, _ChainState] = {}
        self._deposits: dict[str, dict[int, Deposit]] = {}

    def deposit(self, deposit: Deposit) -> None:
        """Take a deposit in.

        Raises
        ------
        UnknownInstrumentError
            An asset or a chain that is not in the catalogue.
        DomainError
            An amount that is not a positive whole number, an asset of another chain, a height or a
            branch out of range.
        ArgumentError
            No Deposit; an id or an account that is no text, or empty.
        RowOrderError
            Another deposit has this id.
        """
        is_a("deposit", deposit, Deposit)
        for name in ("id", "account"):
            if not isinstance(value := getattr(deposit, name), str) or not value:
                raise ArgumentError(
                    f"deposit {shown(deposit.id)}: {name} {shown(value)} is no name"
                )
        self._catalogue.chain(deposit.chain)
        if (home := self._catalogue.asset(deposit.asset).chain) != deposit.chain:
            raise DomainError(
                f"deposit {deposit.id!r}: {deposit.asset} is on {home!r}, not {deposit.chain!r}"
            )
        kept = (
            whole(f"deposit {deposit.id!r}: {name}", getattr(deposit, name), low, high)
            for name, low, high in (
                ("amount", 1, AMOUNT_MAX), ("height", 0, HEIGHT_MAX), ("branch", 0, HEIGHT_MAX),
            )
        )  # fmt: skip
        deposit = Deposit(deposit.id, deposit.account, deposit.asset, deposit.chain, *kept)
        known = self._deposits.get(deposit.id, {})
        if deposit in known.values():
            return
        for other in known.values():
            same = ("account", "asset", "chain", "amount")
            if deposit.branch == other.branch or any(
                getattr(deposit, name) != getattr(other, name) for name in same
            ):
                raise RowOrderError(f"deposit {deposit.id!r}: another has this id: {other}")
        self._deposits.setdefault(deposit.id, {})[deposit.branch] = deposit

    def head(self, chain: str, height: int, branch: int = 0) -> None:
        """A chain's newest block; one below a head that is known changes nothing.

        Raises
        ------
        UnknownInstrumentError, DomainError
            An unknown chain; a height or a branch that is negative or not whole.
        """
        self._catalogue.chain(chain)
        height = whole(f"head of {chain!r}: height", height, 0, HEIGHT_MAX)
        branch = whole(f"head of {chain!r}: branch", branch, 0, HEIGHT_MAX)
        heads = self._chains.setdefault(chain, _ChainState()).heads
        heads[branch] = max(height, heads.get(branch, 0))

    def reorganise(self, chain: str, height: int, branch: int) -> None:
        """A branch begins: of those before, blocks up to `height` stay and later ones are void.

        Raises
        ------
        UnknownInstrumentError, DomainError
            An unknown chain; a height below 0 or a branch below 1, or one that is not whole.
        RowOrderError
            The branch is known to begin elsewhere.
        """
        self._catalogue.chain(chain)
        height = whole(f"reorganisation of {chain!r}: height", height, 0, HEIGHT_MAX)
        branch = whole(f"reorganisation of {chain!r}: branch", branch, 1, HEIGHT_MAX)
        begun = self._chains[chain].forks.get(branch, height) if chain in self._chains else height
        if begun != height:
            raise RowOrderError(
                f"reorganisation of {chain!r}: branch {branch} begins after {begun}, not {height}"
            )
        self._chains.setdefault(chain, _ChainState()).forks[branch] = height

    def credited(self, account: str, asset: str) -> int:
        """Quanta of an asset that count for an account now."""
        return self.totals(account, asset).credited

    def totals(self, account: str | None = None, asset: str | None = None) -> Totals:
        """What is credited, pending and reverted; of all accounts and assets where not given."""
        total = Totals()
        for deposit, part in self.parts():
            if account in (None, deposit.account) and asset in (None, deposit.asset):
                total += part
        return total

    def positions(self, decimals: Mapping[str, int]) -> dict[str, list[str] | list[float]]:
        """Columns account, instrument and quantity of what is credited, for a `Book`.

        Parameters
        ----------
        decimals : {asset: decimals}
            A quantum of an asset is 10^-decimals of it.

        Raises
        ------
        ArgumentError, DomainError
            An asset without decimals; decimals that are not 0 to 36.
        """
        quanta: dict[tuple[str, str], int] = {}
        for deposit, part in self.parts():
            key = deposit.account, deposit.asset
            quanta[key] = quanta.get(key, 0) + part.credited
        return holdings(quanta, decimals)

    def parts(self) -> Iterator[tuple[Deposit, Totals]]:
        """Every deposit with its own totals; one that was mined again is at its last block."""
        for mined in self._deposits.values():
            last = mined[max(mined)]
            chain = self._chains.get(last.chain, _ChainState())
            kept = [d for _, d in sorted(mined.items(), reverse=True) if chain.keeps(d)]
            if not kept:
                yield last, Totals(reverted=last.amount)
                continue
            deposit = kept[0]
            seen = max(0, chain.confirmations(deposit))
            counts = credit(self._catalogue, deposit.chain, deposit.asset, seen)
            credited = deposit.amount * counts // CREDIT_ONE
            yield deposit, Totals(credited, deposit.amount - credited)
