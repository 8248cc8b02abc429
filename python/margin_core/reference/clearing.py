# SPDX-License-Identifier: Apache-2.0
"""The clearing waterfall in plain Python integers: docs/method/clearing.md, a step a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from margin_core.errors import ArgumentError, DomainError, RowOrderError

__all__ = ["Ledger", "haircuts_in_proportion", "haircuts_in_turn"]

LAYERS = ("insurance", "adl", "socialised")


def haircuts_in_proportion(loss: int, claims: Sequence[int]) -> list[int]:
    """Of each claim; the first k pay floor(taken x their claims / all claims), for every k."""
    there = sum(claims)
    taken = min(loss, there)
    paid = [taken * sum(claims[:k]) // there if there else 0 for k in range(len(claims) + 1)]
    return [after - before for before, after in zip(paid, paid[1:], strict=False)]


def haircuts_in_turn(loss: int, claims: Sequence[int]) -> list[int]:
    """All of the first claim, then of the next, until the loss is paid."""
    return [min(claim, max(0, loss - sum(claims[:k]))) for k, claim in enumerate(claims)]


@dataclass
class Ledger:
    """The state, and one method an event; ids, ranges and the journal are left to the core."""

    cash: list[int]
    pnl: list[int]
    waterfall: dict[str, Any]
    insurance: int = 0
    fees: int = 0
    deficit: int = 0
    passed: int = -1  # the last of LAYERS that the deficit went through

    def everything(self) -> int:
        return sum(self.cash) + sum(self.pnl) + self.insurance + self.fees - self.deficit

    def deposit(self, account: int, amount: int) -> None:
        there = self.insurance if account < 0 else self.cash[account] + min(self.pnl[account], 0)
        if amount < 0 and (self.deficit > 0 or -amount > there):
            raise DomainError("a withdrawal of more than there is, or while a deficit is open")
        if account < 0:
            self._fill_fund(amount)
        else:
            self.cash[account] += amount

    def _fill_fund(self, amount: int) -> None:
        """A fund that can pay again has its turn again."""
        self.insurance += amount
        if amount > 0:
            self.passed = -1

    def variation(self, account: int, counterparty: int, amount: int) -> None:
        self.pnl[account] -= amount
        self.pnl[counterparty] += amount

    def liquidation(self, account: int, counterparty: int, amount: int, pnl: int, fee: int) -> None:
        held = self.pnl[account]
        if not min(held, 0) <= pnl <= max(held, 0):
            raise DomainError("realises P&L that the account does not have")
        if pnl > 0 and self.deficit and self._has("adl") and self.passed < LAYERS.index("adl"):
            raise RowOrderError("a gain is realised before auto-deleveraging")
        left = self.cash[account] + pnl - amount
        if amount and counterparty == account:
            raise ArgumentError("an account pays itself")
        if left < 0 and pnl != held:
            raise DomainError("a part is closed that cannot pay")
        charged = min(fee, max(left, 0))
        self.pnl[account] -= pnl
        self.cash[account] = max(left, 0) - charged
        if amount:
            self.cash[counterparty] += amount
        if self.waterfall["fee_to_fund"]:
            self._fill_fund(charged)
        else:
            self.fees += charged
        if left < 0:
            self.deficit -= left
            self.passed = -1

    def _has(self, name: str) -> bool:
        return {
            "insurance": self.waterfall["insurance_limit"] > 0,
            "adl": self.waterfall["adl"] != "none",
            "socialised": self.waterfall["socialises"],
        }[name]

    def layer(self, name: str, candidates: Sequence[int] = ()) -> list[int]:
        """Let one layer pay down the deficit; the candidates' haircuts."""
        place = LAYERS.index(name)
        if not self._has(name):
            raise ArgumentError(f"there is no {name}")
        if self.deficit and any(map(self._has, LAYERS[self.passed + 1 : place])):
            raise RowOrderError(f"{name} is not next")
        haircuts: list[int] = []
        if name == "insurance":
            paid = min(self.deficit, self.insurance, self.waterfall["insurance_limit"])
            self.insurance -= paid
        else:
            haircuts = self._mutualise(name, candidates)
            paid = sum(haircuts)
        self.deficit -= paid
        self.passed = max(self.passed, place)
        return haircuts

    def _mutualise(self, name: str, candidates: Sequence[int]) -> list[int]:
        adl = name == "adl"
        in_turn = adl and self.waterfall["adl"] == "ranked"
        if not in_turn and list(candidates) != sorted(set(candidates)):
            raise RowOrderError("candidates do not rise")
        claims = [
            max(0, self.pnl[a] + (0 if adl else self.cash[a])) if a not in candidates[:k] else 0
            for k, a in enumerate(candidates)
        ]  # one that a queue names again has nothing left
        share = haircuts_in_turn if in_turn else haircuts_in_proportion
        haircuts = share(self.deficit, claims)
        for account, cut in zip(candidates, haircuts, strict=True):
            of_cash = 0 if adl else min(cut, self.cash[account])
            self.cash[account] -= of_cash
            self.pnl[account] -= cut - of_cash
        return haircuts
