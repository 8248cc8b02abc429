# SPDX-License-Identifier: Apache-2.0
"""Results as plain text: tables of aligned columns, and an explanation in sentences.

Everything fits 80 columns and no number is broken over two lines. Colour is the caller's.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from margin_core.explain import Explanation

__all__ = ["Column", "amounts", "clean", "explanation_text", "number", "paragraph", "table_text"]

WIDTH = 80
#: Keeps a number and its unit, or a name and its number, on one line.
TIED = "\N{NO-BREAK SPACE}"
#: Positions that an explanation lists one by one.
POSITIONS_SHOWN = 12
NAMES_SHOWN = 28


class Column(NamedTuple):
    """One column of a table: its header, its cells, and whether they stand to the right."""

    header: str
    cells: Sequence[str]
    right: bool = True


def clean(text: object, width: int | None = None) -> str:
    """Text without control characters, which a file could use to rewrite the screen.

    Examples
    --------
    >>> clean("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    out = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
    return out if width is None or len(out) <= width else out[: width - 3] + "..."


def number(value: float, digits: int = 0) -> str:
    """A number with thousands separators; an en dash where there is none.

    Examples
    --------
    >>> number(-1234567.891), number(0.25, 2), number(-0.001)
    ('-1,234,568', '0.25', '0')
    """
    if math.isnan(value):
        return "–"
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def amounts(values: ArrayLike) -> list[str]:
    """Amounts of one column with as many decimals as the column needs: two, or none.

    Examples
    --------
    >>> amounts([12.5, 3.0]), amounts([12_500.25, 3.0])
    (['12.50', '3.00'], ['12,500', '3'])
    """
    column = np.asarray(values, dtype=np.float64)
    finite = np.abs(column[np.isfinite(column)])
    digits = 2 if finite.size == 0 or finite.max() < 1_000.0 else 0
    return [number(float(value), digits) for value in column]


def table_text(columns: Iterable[Column], *, indent: int = 2, gap: int = 2) -> list[str]:
    """Lines of a table, the header first."""
    blocks = []
    for header, cells, right in columns:
        lines = [header, *cells]
        width = max(map(len, lines))
        blocks.append([line.rjust(width) if right else line.ljust(width) for line in lines])
    between = " " * gap
    return [" " * indent + between.join(row).rstrip() for row in zip(*blocks, strict=True)]


def paragraph(text: str, *, width: int = WIDTH, indent: int = 0) -> str:
    """Text in lines of at most `width`; what `TIED` joins stays together."""
    margin = " " * indent
    lines = textwrap.wrap(
        text, width, initial_indent=margin, subsequent_indent=margin,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines).replace(TIED, " ")


# An explanation


def explanation_text(explanation: Explanation) -> str:
    """One account's requirement, as a colleague would explain it."""
    parts = [_standing(explanation), _requirement(explanation)]
    if len(explanation.groups) and explanation.mode == "portfolio":
        parts += [_scan(explanation), _netting(explanation)]
    elif explanation.mode != "portfolio":
        parts.append(paragraph(
            f"{_capital(explanation.mode)} accounts net nothing: each position counts with its "
            "whole notional at a fixed rate, so no scenario decides."
        ))  # fmt: skip
    parts += [_positions(explanation), _modes(explanation)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _money(value: float, e: Explanation) -> str:
    return f"{number(value, 2 if abs(value) < 100 else 0)}{TIED}{e.numeraire}"


_STATUS = {
    "ok": "is above its initial requirement",
    "reduce_only": "is below its initial requirement and may only reduce",
    "liquidatable": "is below its maintenance requirement and may be liquidated",
    "bankrupt": "owes more than it holds",
}


def _standing(e: Explanation) -> str:
    title = f"Account {clean(e.account)}, {e.mode} margin, {e.status.replace('_', ' ')}"
    text = (
        f"Requirement {_money(e.im, e)} to open (IM) and {_money(e.mm, e)} to keep (MM). "
        f"Equity is {_money(e.equity, e)}, so the account {_STATUS[e.status]}"
    )
    free = e.equity - e.im
    if e.status == "ok":
        text += f", with {_money(free, e)} free."
    elif e.status == "reduce_only":
        text += f"; it lacks {_money(-free, e)} to open and has {_money(e.equity - e.mm, e)} to lose."
    else:
        text += f"; {_money(e.mm - e.equity, e)} would bring it back to maintenance."
    if e.mm > 0:
        text += f" Equity / MM = {number(e.equity / e.mm, 2)}."
    return f"{title}\n{'=' * len(title)}\n" + paragraph(text)


def _requirement(e: Explanation) -> str:
    kept = (e.parts["im"] != 0.0) | (e.parts["mm"] != 0.0)
    names = [_part_name(str(part)) for part in e.parts["part"][kept]]
    im = amounts([*e.parts["im"][kept], e.im])
    mm = amounts([*e.parts["mm"][kept], e.mm])
    lines = table_text(
        [
            Column("What it is made of", [*names, "requirement"], right=False),
            Column(f"IM, {e.numeraire}", im),
            Column(f"MM, {e.numeraire}", mm),
        ]
    )
    return "\n".join(lines)


def _part_name(part: str) -> str:
    match = re.fullmatch(r"scan core x (\d+)/1024, x (\d+)/1024", part)
    if match is None:
        return part
    mm, im = (int(k) / 1024 for k in match.groups())
    return f"worst scenario, x {im:.4g} for IM, x {mm:.2g} for MM"


_RULE = {"up": "volatility up", "down": "volatility down", "same": "volatility unchanged"}


def _world(e: Explanation, group: str, scenario: str) -> str:
    """A scenario in words: the moves of the units that the account has in the group."""
    if scenario == "base":
        return "the one where nothing moves"
    match = re.search(r" vol (up|down|same)$", scenario)
    rule = _RULE[match[1]] if match else f"“{clean(scenario)}”"
    mine = e.units["group"] == group
    moves = dict.fromkeys(
        f"{unit}{TIED}{_percent(move)}"
        for unit, move in zip(e.units["unit"][mine], e.units["move"][mine], strict=True)
    )
    weights = {f"{100 * w:.3g}{TIED}%" for w in e.units["weight"][mine] if w != 1.0}
    text = ", ".join(moves)
    if match is None:
        text = f"{rule}: {text}"
    elif _has_options(e, group):
        text += f" with {rule}"
    if weights:
        text += f", a tail of which {' or '.join(sorted(weights))} counts"
    return text


def _has_options(e: Explanation, group: str) -> bool:
    mine = e.positions["instrument"][e.positions["group"] == group]
    return any(str(name).endswith(("-C", "-P")) for name in mine)


def _percent(move: float) -> str:
    return f"{100 * move:+.3g}{TIED}%" if move else f"0{TIED}%"


def _scan(e: Explanation) -> str:
    paragraphs = []
    for group, scenario, joint in zip(
        e.groups["group"], e.groups["scenario"], e.groups["joint_scan"], strict=True
    ):
        if joint <= 0.0:
            continue
        text = (
            f"The worst of {e.n_scenarios} scenarios for {group} is "
            f"{_world(e, group, scenario)}: a loss of {_money(joint, e)}."
        )
        mine = np.flatnonzero(e.positions["group"] == group)
        pnl = e.positions["pnl_group_worst"][mine]
        losers = mine[np.argsort(pnl, kind="stable")][:2]
        winners = mine[np.argsort(-pnl, kind="stable")][:2]
        worst = e.positions["pnl_group_worst"]
        lost = [f"{_long_short(e, i)} loses {_money(-worst[i], e)}" for i in losers if worst[i] < 0]
        gained = [f"{_long_short(e, i)} gains {_money(worst[i], e)}" for i in winners if worst[i] > 0]
        if lost:
            text += f" {_capital(_listed(lost))}"
            text += f"; against that, {_listed(gained)}." if gained else "."
            rest = len(mine) - len(lost) - len(gained)
            if rest > 0:
                others = float(pnl.sum() - sum(worst[i] for i in {*losers, *winners}))
                verb = "lose" if others < 0 else "gain"
                who = f"{rest} positions {verb}" if rest > 1 else f"position {verb}s"
                text += f" The other {who} {_money(abs(others), e)}."
        paragraphs.append(paragraph(text))
    return "\n\n".join(paragraphs)


def _listed(items: list[str]) -> str:
    return " and ".join(items)


def _long_short(e: Explanation, row: int) -> str:
    quantity = float(e.positions["quantity"][row])
    name = clean(e.positions["instrument"][row], NAMES_SHOWN)
    side = "long" if quantity > 0 else "short"
    return f"{side}{TIED}{_quantity(abs(quantity))}{TIED}{name}"


def _quantity(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"


def _netting(e: Explanation) -> str:
    alone = float(e.positions["alone"].sum())
    if len(e.positions) < 2 or alone <= 0.0:
        return ""
    text = (
        f"Without netting, each position in an account of its own, MM would be "
        f"{_money(alone, e)}; together it is {_money(e.mm, e)}"
    )
    text += f", {100 * (1 - e.mm / alone):.0f}{TIED}% less." if e.mm < alone else "."
    for group, sums, offset in zip(
        e.groups["group"], e.groups["sum_of_scans"], e.groups["offset"], strict=True
    ):
        if offset > 0.005 * max(sums, 1.0):
            units = [u for u, g in zip(e.units["unit"], e.units["group"], strict=True) if g == group]
            text += (
                f" {_listed(units) if len(units) < 3 else ', '.join(units)} do not have their "
                f"worst at once: of {_money(sums, e)} one by one, {_money(offset, e)} is set off."
            )
    return paragraph(text)


def _positions(e: Explanation) -> str:
    p = e.positions
    if len(p) == 0:
        return "  No positions."
    order = np.argsort(p["pnl_group_worst"], kind="stable")
    shown = order
    if len(order) > POSITIONS_SHOWN:
        half = POSITIONS_SHOWN // 2
        shown = np.concatenate([order[:half], order[-half:]])
    scenario = e.mode == "portfolio"
    columns = [
        Column("position", [clean(n, NAMES_SHOWN) for n in p["instrument"][shown]], right=False),
        Column("quantity", [_quantity(q) for q in p["quantity"][shown]]),
        Column(f"value, {e.numeraire}", amounts(p["mark_value"][shown])),
    ]
    if scenario:
        columns.append(Column(f"worst P&L, {e.numeraire}", amounts(p["pnl_group_worst"][shown])))
    columns.append(Column(f"alone, {e.numeraire}", amounts(p["alone"][shown])))
    lines = table_text(columns)
    if len(order) > len(shown):
        lines.insert(1 + POSITIONS_SHOWN // 2, f"  ... {len(order) - len(shown)} more ...")
    note = "alone: MM of the position in an account of its own."
    if scenario:
        note = "worst P&L: in the worst scenario of its group. " + note
    return "\n".join([*lines, paragraph(note, indent=2)])


def _modes(e: Explanation) -> str:
    lines = table_text(
        [
            Column("The same holdings in mode", [str(m) for m in e.modes["mode"]], right=False),
            Column(f"IM, {e.numeraire}", amounts(e.modes["im"])),
            Column(f"MM, {e.numeraire}", amounts(e.modes["mm"])),
            Column(f"free, {e.numeraire}", amounts(e.modes["free"])),
        ]
    )
    isolated = e.im + e.capital_freed
    if e.mode == "isolated" or isolated <= 0.0:
        return "\n".join(lines)
    verb = "frees" if e.capital_freed >= 0 else "costs"
    text = (
        f"Isolated accounts would have needed {_money(isolated, e)} of IM: {e.mode} margin {verb} "
        f"{_money(abs(e.capital_freed), e)} ({abs(e.capital_freed) / isolated * 100:.0f}{TIED}%)."
    )
    return "\n".join(lines) + "\n\n" + paragraph(text)
