# SPDX-License-Identifier: Apache-2.0
"""Amounts beside the scan: of every account and unit, from its positions."""

from __future__ import annotations

import numpy as np

from margin_core.venues.columns import Column, segment_starts, sums
from margin_core.venues.scan.charge_columns import ChargeColumn
from margin_core.venues.scan.columns import Book, UnitRows
from margin_core.venues.scan.preset import Charge, Ramp, Tiers
from margin_core.venues.scan.tables import Tables

__all__ = ["charge", "charge_amount"]


def charge_amount(charge: ChargeColumn, book: Book, tables: Tables, rows: UnitRows) -> Column:
    """(R,) A charge before its rates.

    With x the sum over each segment of quantity times weight, over the segments of a unit:
        gross      sum |x|
        short      sum max(0, -x)
        net        |sum x|
        hedged     (gross - net) / 2: the smaller side
        least_net  net, with or without the long options, whichever is less
        spreads    tier by tier, offsetting sides times the table's rates
    """
    held = book.instrument
    x = book.quantity * charge.weight[held]
    if charge.rule.form == "spreads":
        amount = _spreads(charge, book, tables, rows, x)
    else:
        start = segment_starts(book.account, tables.instruments.unit[held], charge.level[held])
        segment, of_unit = sums(x, start), np.searchsorted(start, rows.start)
        gross, net = sums(np.abs(segment), of_unit), np.abs(sums(segment, of_unit))
        if charge.rule.form == "least_net":
            bought = tables.instruments.is_option[held] & (book.quantity > 0.0)
            without = np.abs(sums(np.where(bought, 0.0, x), rows.start))
            net = np.minimum(net, without)
        amount = {
            "gross": gross,
            "short": sums(np.maximum(0.0, -segment), of_unit),
            "net": net,
            "hedged": 0.5 * (gross - net),
            "least_net": net,
        }[charge.rule.form]
    return _transform(charge.rule, amount, tables, rows)


def _spreads(charge: ChargeColumn, book: Book, tables: Tables, rows: UnitRows, x: Column) -> Column:
    """(R,) Long against short by tier, in the table's order, each side used once."""
    tiers = len(charge.rule.edges_days) + 1
    term = segment_starts(book.account, tables.instruments.term[book.instrument])
    by_term, tier = sums(x, term), charge.level[book.instrument[term]]
    of_unit = np.searchsorted(rows.start, term, side="right") - 1
    left = np.zeros((2, len(rows.start), tiers))
    np.add.at(left[0], (of_unit, tier), np.maximum(0.0, by_term))
    np.add.at(left[1], (of_unit, tier), np.maximum(0.0, -by_term))
    amount = np.zeros(len(rows.start))
    for a, b, rate in charge.rule.spreads:
        for long, short in {(a, b), (b, a)}:
            pairs = np.minimum(left[0, :, long], left[1, :, short])
            left[0, :, long] -= pairs
            left[1, :, short] -= pairs
            amount += rate * pairs
    return amount


def _transform(rule: Charge, amount: Column, tables: Tables, rows: UnitRows) -> Column:
    """Tiers and ramps, in USD."""
    usd = tables.numeraire_usd[rows.unit]
    if isinstance(rule.transform, Tiers):
        above = np.array(rule.transform.above)
        width = np.diff(np.append(above, np.inf))
        part = np.clip((amount * usd)[:, None] - above, 0.0, width)
        return part @ np.array(rule.transform.multiplier) / usd
    if isinstance(rule.transform, Ramp):
        x, ramp, index = amount * usd, rule.transform, tables.index[rows.unit]
        coins = np.divide(x, index, out=np.zeros_like(x), where=index > 0.0)
        over = np.maximum(0.0, x - ramp.threshold_usd)
        return np.minimum(over * coins * ramp.increment, ramp.cap * x) / usd
    return amount


def charge(
    book: Book, tables: Tables, rows: UnitRows
) -> tuple[dict[str, Column], dict[str, Column]]:
    """(2, R) MM and IM amounts: by name, and added up by role."""
    nothing = np.zeros((2, len(rows.start)))
    by_name: dict[str, Column] = {}
    by_role = dict.fromkeys(("core_floor", "inside", "unit_floor", "outside"), nothing)
    for column in tables.charges:
        rule = column.rule
        amount = charge_amount(column, book, tables, rows)
        both = np.outer([rule.rate, rule.rate + rule.rate_im_extra], amount)
        by_name[rule.name] = by_name.get(rule.name, nothing) + both
        by_role[rule.role] = by_role[rule.role] + both
    return by_name, by_role
