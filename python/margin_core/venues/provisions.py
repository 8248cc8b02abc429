# SPDX-License-Identifier: Apache-2.0
"""Amounts that a venue adds from outside its model: given, and counted as the preset says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.errors import DomainError, NotMarginableError, UnknownInstrumentError
from margin_core.venues.columns import Column, group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.venues.preset import Preset

__all__ = ["Provisions", "read_provisions"]


class Provisions(NamedTuple):
    """By account, USD: what IM and MM rise by, and each provision's amount as it was given."""

    im_usd: Column
    mm_usd: Column
    parts_usd: dict[str, Column]


def read_provisions(source: Any, preset: Preset, accounts: NDArray[Any]) -> Provisions:
    """Columns account, provision, amount_usd as amounts of the accounts; rows of one name add up.

    Raises
    ------
    UnknownInstrumentError, NotMarginableError, DomainError
        No such account, no such provision in the preset, a negative amount: the row.
    """
    from margin_core.adapters.tables import read_rows, source_name

    columns, origin = read_rows(
        source,
        name=source_name(source, None, "provisions"),
        required={"account": "name", "provision": "str", "amount_usd": "float"},
    )
    rules, n = {rule.name: rule for rule in preset.provisions}, len(accounts)
    row_of = {name: row for row, name in enumerate(accounts.tolist())}
    account = np.zeros(len(columns["account"]), dtype=np.int64)
    for row, (owner, name, amount) in enumerate(zip(*columns.values(), strict=True)):
        if owner not in row_of:
            where = origin.at(row, "account")
            raise UnknownInstrumentError(f"{where}: {owner!r} is not in the book", row=row)
        if name not in rules:
            there = f"there are {', '.join(rules)}" if rules else "it has none"
            where = origin.at(row, "provision")
            raise NotMarginableError(
                f"{where}: {preset.name} has no provision {name!r:.60}; {there}", row=row
            )
        if amount < 0.0:
            where = origin.at(row, "amount_usd")
            raise DomainError(f"{where}: {amount:g} is below 0", row=row)
        account[row] = row_of[owner]
    im, mm, parts = np.zeros(n), np.zeros(n), {}
    for name, rule in rules.items():
        mine = columns["provision"] == name
        if mine.any():
            amount = group_sums(columns["amount_usd"][mine], account[mine], n)
            parts[name] = amount
            im, mm = im + rule.im * amount, mm + rule.mm * amount
    return Provisions(im, mm, parts)
