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

from margin_core.instruments import DOLLARS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from margin_core.explain import Explanation

__all__ = [
    "Column", "amounts", "clean", "explanation_text", "link", "number", "paragraph", "table_text",
]  # fmt: skip

WIDTH = 80
#: Keeps a number and its unit, or a name and its number, on one line.
TIED = "\N{NO-BREAK SPACE}"
#: Positions that an explanation lists one by one.
POSITIONS_SHOWN = 12
NAMES_SHOWN = 28
NAMES_LEAST = 8


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


#: Digits of an amount in a coin: a hundred-thousandth of the largest one is told.
COIN_DIGITS = 5


def decimals(largest: float, numeraire: str, whole: float) -> int:
    """Decimals that an amount needs: in dollars none from `whole` on, else two."""
    if numeraire in DOLLARS or not 0.0 < largest < math.inf:
        return 2 if largest < whole else 0
    return min(max(COIN_DIGITS - 1 - math.floor(math.log10(largest)), 0), 8)


def amounts(values: ArrayLike, numeraire: str = "USD") -> list[str]:
    """Amounts of one column with as many decimals as the column needs: dollars two, or none.

    Examples
    --------
    >>> amounts([12.5, 3.0]), amounts([12_500.25, 3.0]), amounts([0.0312, -0.5], "BTC")
    (['12.50', '3.00'], ['12,500', '3'], ['0.03120', '-0.50000'])
    """
    column = np.asarray(values, dtype=np.float64)
    finite = np.abs(column[np.isfinite(column)])
    digits = decimals(float(finite.max()) if finite.size else 0.0, numeraire, 1_000.0)
    return [number(float(value), digits) for value in column]


def table_text(columns: Iterable[Column], *, indent: int = 2, gap: int = 2) -> list[str]:
    """Lines of a table, the header first.

    Columns too wide for `WIDTH` move closer together; then the names of the first column are cut.
    """
    held = [(right, [header, *cells]) for header, cells, right in columns]
    widths = [max(map(len, lines)) for _, lines in held]
    if indent + sum(widths) + gap * (len(widths) - 1) > WIDTH:
        gap = 1
    over = indent + sum(widths) + gap * (len(widths) - 1) - WIDTH
    if over > 0 and not held[0][0]:
        widths[0] = max(widths[0] - over, NAMES_LEAST)
        held[0] = (False, [clean(line, widths[0]) for line in held[0][1]])
    blocks = []
    for (right, lines), width in zip(held, widths, strict=True):
        blocks.append([line.rjust(width) if right else line.ljust(width) for line in lines])
    between = " " * gap
    return [" " * indent + between.join(row).rstrip() for row in zip(*blocks, strict=True)]


def paragraph(text: str, *, width: int = WIDTH, indent: int = 0) -> str:
    """Text in lines of at most `width`; what `TIED` joins stays together."""
    margin = " " * indent
    lines = textwrap.wrap(
        text, width, initial_indent=margin, subsequent_indent=margin,
        break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines).replace(TIED, " ")


def link(url: str, *, width: int = WIDTH, indent: int = 2) -> str:
    """An address; one that is longer than the line goes on in the next, two columns further in.

    It is broken behind `/`, `-`, `?` or `&`, and nothing is added or left out: without line breaks
    and spaces it is the address again.
    """
    lines, margin = [], " " * indent
    while len(margin) + len(url) > width:
        room = width - len(margin)
        cut = 1 + max(url.rfind(mark, 0, room) for mark in "/-?&")
        cut = cut if cut > room // 2 else room
        lines.append(margin + url[:cut])
        url, margin = url[cut:], " " * (indent + 2)
    return "\n".join([*lines, margin + url])


# An explanation


def explanation_text(explanation: Explanation) -> str:
    """One account's requirement, as a colleague would explain it."""
    e = explanation
    parts = [_standing(e), _requirement(e)]
    if e.mode == "portfolio":
        parts += [_scan(e), _netting(e)]
    elif e.im > 0.0:
        parts.append(_no_netting(e))
    parts += [_positions(e), _orders(e), _modes(e), _prices(e), _pockets(e)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _no_netting(e: Explanation) -> str:
    text = (
        f"{_capital(e.mode)} accounts net nothing: each position counts with its whole notional "
        "at a fixed rate, a long option with no more than its value, so no scenario decides."
    )
    if len(e.orders):
        text += " Open orders count as if they were positions."
    return paragraph(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _money(value: float, e: Explanation) -> str:
    return f"{number(value, decimals(abs(value), e.numeraire, 100.0))}{TIED}{e.numeraire}"


_STATUS = {
    "ok": "is above its initial requirement",
    "reduce_only": "is below its initial requirement and may only reduce",
    "liquidatable": "is below its maintenance requirement and may be liquidated",
    "bankrupt": "owes more than it holds",
}


def _standing(e: Explanation) -> str:
    title = f"Account {clean(e.account)}, {e.mode} margin, {e.status.replace('_', ' ')}"
    title = f"{title}\n{'=' * len(title)}\n"
    pocket = f" It is a pocket of {clean(e.parent)}." if e.parent is not None else ""
    if len(e.positions) == 0 and len(e.orders) == 0 and e.equity == 0.0:
        return title + paragraph(f"It holds nothing and needs nothing.{pocket}")
    if e.im > 0.0:
        text = f"Requirement {_money(e.im, e)} to open (IM) and {_money(e.mm, e)} to keep (MM). "
    else:
        text = "Nothing is required. "
    text += f"Equity is {_money(e.equity, e)}, so the account {_STATUS[e.status]}"
    free = e.equity - e.im
    if e.status == "ok":
        text += f", with {_money(free, e)} free."
    elif e.status == "reduce_only":
        text += (
            f"; it lacks {_money(-free, e)} to open and has {_money(e.equity - e.mm, e)} to lose."
        )
    else:
        text += f"; {_money(e.mm - e.equity, e)} would bring it back to maintenance."
    if e.mm > 0:
        text += " " + "Equity / MM = ".replace(" ", TIED) + f"{number(e.equity / e.mm, 2)}."
    return title + paragraph(text + pocket)


def _requirement(e: Explanation) -> str:
    if e.im <= 0.0:
        return ""
    kept = (e.parts["im"] != 0.0) | (e.parts["mm"] != 0.0)
    names = [_part_name(str(part)) for part in e.parts["part"][kept]]
    im = amounts([*e.parts["im"][kept], e.im], e.numeraire)
    mm = amounts([*e.parts["mm"][kept], e.mm], e.numeraire)
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
    own = e.groups["numeraire_move"][e.groups["group"] == group][0]
    if own and e.numeraire not in e.units["unit"][mine]:
        tied = f"{e.numeraire}{TIED}{_percent(float(own))}"
        moves[f"{tied}, in which all is counted"] = None
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
    names = [t["instrument"][t["group"] == group] for t in (e.positions, e.orders)]
    return any(str(name).endswith(("-C", "-P")) for name in np.concatenate(names))


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
        legs = _legs(e, group)
        lost = [leg for leg in legs if leg.pnl < 0.0][:2]
        gained = [leg for leg in reversed(legs) if leg.pnl > 0.0][:2]
        if lost:
            text += f" {_capital(_listed([leg.words for leg in lost]))}"
            text += f"; against that, {_listed([leg.words for leg in gained])}." if gained else "."
            rest = len(legs) - len(lost) - len(gained)
            if rest > 0:
                others = sum(leg.pnl for leg in legs) - sum(leg.pnl for leg in lost + gained)
                verb = "lose" if others < 0 else "gain"
                who = f"{rest} {verb}" if rest > 1 else f"one {verb}s"
                text += f" The other {who} {_money(abs(others), e)}."
        paragraphs.append(paragraph(text))
    return "\n\n".join(paragraphs)


class _Leg(NamedTuple):
    """What a position or an open order does to its group's worst scenario."""

    pnl: float
    words: str


def _legs(e: Explanation, group: str) -> list[_Leg]:
    """Positions, and orders that would hurt, from the greatest loss to the greatest gain."""
    legs = []
    for i in np.flatnonzero(e.positions["group"] == group):
        pnl = float(e.positions["pnl_group_worst"][i])
        side = "long" if e.positions["quantity"][i] > 0 else "short"
        what = _held(e.positions["quantity"][i], e.positions["instrument"][i])
        verb = "loses" if pnl < 0 else "gains"
        legs.append(_Leg(pnl, f"{side}{TIED}{what} {verb} {_money(abs(pnl), e)}"))
    for i in np.flatnonzero((e.orders["group"] == group) & (e.orders["pnl_group_worst"] < 0)):
        pnl = float(e.orders["pnl_group_worst"][i])
        side = "buy" if e.orders["quantity"][i] > 0 else "sell"
        what = _held(e.orders["quantity"][i], e.orders["instrument"][i])
        legs.append(_Leg(pnl, f"the order to {side}{TIED}{what}, filled, loses {_money(-pnl, e)}"))
    return sorted(legs, key=lambda leg: leg.pnl)


def _held(quantity: float, name: str) -> str:
    return f"{_quantity(abs(float(quantity)))}{TIED}{clean(name, NAMES_SHOWN)}"


def _listed(items: list[str]) -> str:
    return " and ".join(items)


def _quantity(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"


def _netting(e: Explanation) -> str:
    alone = float(e.positions["alone"].sum())
    text = ""
    # An order is in MM and in nobody's `alone`; what little is saved is rounding.
    if len(e.positions) > 1 and e.mm < 0.995 * alone:
        text = (
            f"Without netting, each position in an account of its own, MM would be "
            f"{_money(alone, e)}; together it is {_money(e.mm, e)}, "
            f"{100 * (1 - e.mm / alone):.0f}{TIED}% less."
        )
    for group, sums, offset in zip(
        e.groups["group"], e.groups["sum_of_scans"], e.groups["offset"], strict=True
    ):
        if offset > 0.005 * max(sums, 1.0):
            units = [
                u for u, g in zip(e.units["unit"], e.units["group"], strict=True) if g == group
            ]
            text += (
                f" {_listed(units) if len(units) < 3 else ', '.join(units)} do not have their "
                f"worst at once: of {_money(sums, e)} one by one, {_money(offset, e)} is set off."
            )
    return paragraph(text.lstrip())


def _positions(e: Explanation) -> str:
    p = e.positions
    if len(p) == 0:
        return "  No positions." if len(e.orders) else ""
    order = np.argsort(p["pnl_group_worst"], kind="stable")
    shown = order
    if len(order) > POSITIONS_SHOWN:
        half = POSITIONS_SHOWN // 2
        shown = np.concatenate([order[:half], order[-half:]])
    scenario = e.mode == "portfolio"
    columns = [
        Column("position", [clean(n, NAMES_SHOWN) for n in p["instrument"][shown]], right=False),
        Column("quantity", [_quantity(q) for q in p["quantity"][shown]]),
        Column(f"value, {e.numeraire}", amounts(p["mark_value"][shown], e.numeraire)),
    ]
    if scenario:
        pnl = amounts(p["pnl_group_worst"][shown], e.numeraire)
        columns.append(Column(f"worst P&L, {e.numeraire}", pnl))
    columns.append(Column(f"alone, {e.numeraire}", amounts(p["alone"][shown], e.numeraire)))
    lines = table_text(columns)
    if len(order) > len(shown):
        lines.insert(1 + POSITIONS_SHOWN // 2, f"  ... {len(order) - len(shown)} more ...")
    note = "alone: MM of the position in an account of its own."
    if scenario:
        note = "worst P&L: in the worst scenario of its group. " + note
    return "\n".join([*lines, paragraph(note, indent=2)])


def _orders(e: Explanation) -> str:
    o = e.orders
    if len(o) == 0:
        return ""
    order = np.argsort(o["pnl_group_worst"], kind="stable")
    shown = order[:POSITIONS_SHOWN]
    side = np.where(o["quantity"][shown] > 0, "buy", "sell")
    columns = [
        Column("open order", [f"{s} {clean(n, NAMES_SHOWN)}"
                              for s, n in zip(side, o["instrument"][shown], strict=True)],
               right=False),
        Column("quantity", [_quantity(abs(q)) for q in o["quantity"][shown]]),
        Column("limit", [f"{limit:,.10g}" for limit in o["limit_price"][shown]]),
    ]  # fmt: skip
    if e.mode == "portfolio":
        pnl = amounts(o["pnl_group_worst"][shown], e.numeraire)
        columns.append(Column(f"worst P&L, {e.numeraire}", pnl))
    lines = table_text(columns)
    if len(order) > len(shown):
        lines.append(f"  ... {len(order) - len(shown)} more ...")
    if e.mode == "portfolio":
        note = "An order counts as filled in the scenarios where that loses, else not at all."
        lines.append(paragraph(note, indent=2))
    return "\n".join(lines)


def _prices(e: Explanation) -> str:
    if e.prices is None or not len(e.prices):
        return ""

    def cell(usd: float, move: float) -> str:
        return "–" if math.isnan(usd) else f"{usd:,.10g} ({move:+.1%})"

    columns = [
        Column("coin", [clean(unit) for unit in e.prices["unit"]], right=False),
        Column("price, USD", [f"{price:,.10g}" for price in e.prices["price_usd"]]),
    ]
    for way in ("below", "above"):
        found = zip(e.prices[f"{way}_usd"], e.prices[f"{way}_move"], strict=True)
        columns.append(Column(f"liquidatable {way}", [cell(*pair) for pair in found]))
    note = "Each coin alone moves, everything held counts; –: not between -95 % and +400 %."
    return "\n".join([*table_text(columns), paragraph(note, indent=2)])


def _pockets(e: Explanation) -> str:
    p = e.pockets
    if len(p) == 0:
        return ""
    shown = slice(0, POSITIONS_SHOWN)
    names = [clean(name, NAMES_SHOWN) for name in p["account"][shown]]
    total = ["with this account"] if len(p) <= POSITIONS_SHOWN else ["all, with this account"]
    columns = [Column("pocket", names + total, right=False)]
    for title, name, own in (("equity", "equity", e.equity), ("IM", "im", e.im),
                             ("MM", "mm", e.mm)):  # fmt: skip
        values = [*p[name][shown], p[name].sum() + own]
        columns.append(Column(f"{title}, {e.numeraire}", amounts(values, e.numeraire)))
    words = [str(status).replace("_", " ") for status in p["status"][shown]]
    lines = table_text([*columns, Column("status", [*words, ""], right=False)])
    if len(p) > POSITIONS_SHOWN:
        lines.insert(1 + POSITIONS_SHOWN, f"  ... {len(p) - POSITIONS_SHOWN} more ...")
    note = "A pocket is an account of its own: nothing is netted with it, or paid for it."
    return "\n".join([*lines, paragraph(note, indent=2)])


def _modes(e: Explanation) -> str:
    if not (e.modes["im"] > 0.0).any():
        return ""
    lines = table_text(
        [
            Column("The same holdings in mode", [str(m) for m in e.modes["mode"]], right=False),
            Column(f"IM, {e.numeraire}", amounts(e.modes["im"], e.numeraire)),
            Column(f"MM, {e.numeraire}", amounts(e.modes["mm"], e.numeraire)),
            Column(f"free, {e.numeraire}", amounts(e.modes["free"], e.numeraire)),
        ]
    )
    isolated = e.im + e.capital_freed
    if e.mode == "isolated" or isolated <= 0.0:
        return "\n".join(lines)
    verb = "frees" if e.capital_freed >= 0 else "costs"
    text = (
        f"Isolated accounts would have needed {_money(isolated, e)} of IM: {e.mode} margin {verb} "
        f"{_money(abs(e.capital_freed), e)}"
    )
    text += f" ({100 * e.capital_freed / isolated:.0f}{TIED}%)." if e.capital_freed > 0 else "."
    return "\n".join(lines) + "\n\n" + paragraph(text)
