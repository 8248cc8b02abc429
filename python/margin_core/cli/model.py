# SPDX-License-Identifier: Apache-2.0
"""`margin-core model`: what a margin model says, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from margin_core.cli import screen
from margin_core.render import Column, clean, number
from margin_core.scenario import Scenarios

if TYPE_CHECKING:
    from margin_core.model import MarginModel, Unit

NAMES_SHOWN = 14


def show(model: MarginModel) -> None:
    units = [name for unit in model.units for name in unit.names]
    scenarios = Scenarios.from_model(model, units)
    state = "valid" if model.verified else "valid; its numbers are not verified"
    screen.say(f"Margin model {clean(model.name)}: {state}", bold=True)
    screen.say(
        f"  MM = {model.factors.mm_k / 1024:.4g} x core + charges, "
        f"IM = {model.factors.im_k / 1024:.4g} x core + charges"
    )
    screen.say(f"  counted in {model.quantum.size:g} {model.quantum.numeraire}; "
               f"{len(scenarios)} scenarios")  # fmt: skip
    screen.heading("Groups: what units that move together may set off")
    screen.show(
        [
            Column("group", [clean(name) for name in model.groups], right=False),
            Column(
                "offset, %", [number(100 * g.lambda_k / 1024, 1) for g in model.groups.values()]
            ),
            Column("units", [_units_of(model, name) for name in model.groups], right=False),
        ]
    )
    screen.heading("Units, %")
    screen.show(
        [
            Column("unit", [_names(unit) for unit in model.units], right=False),
            _percent("range", model, "range_frac"),
            _percent("vol up", model, "vol_up_frac"),
            _percent("vol down", model, "vol_down_frac"),
            _percent("short MM", model, "short_option_mm_frac"),
            _percent("short IM", model, "short_option_im_frac"),
            _percent("close", model, "close_frac"),
            _percent("alone MM", model, "isolated_mm_frac"),
            _percent("alone IM", model, "isolated_im_frac"),
        ],
    )
    screen.prose(
        "range: of spot in the grid; short: short options' minimum; close: cost of closing; alone: "
        "isolated mode's rates.",
        indent=2,
    )
    screen.heading("Scenarios")
    for family in model.scenarios:
        if family.kind == "grid":
            moves = ", ".join(f"{move:+g}" for move in family.spot)
            screen.prose(
                f"grid: spot {moves} x range; volatility {', '.join(family.vol)}", indent=2
            )
        elif family.kind == "tails":
            moves = ", ".join(f"{100 * move:+g}" for move in family.moves)
            screen.prose(f"tails: spot {moves} %, volatility {family.vol}", indent=2)
        else:
            screen.prose(f"event: {clean(family.name)}", indent=2)
    screen.heading("Sources")
    for name, text in model.sources.items():
        screen.prose(f"{clean(name)}: {clean(text)}", indent=2)


def _percent(header: str, model: MarginModel, field: str) -> Column:
    return Column(header, [f"{100 * getattr(unit, field):.4g}" for unit in model.units])


def _names(unit: Unit) -> str:
    return clean(", ".join("others" if n == "*" else n for n in unit.names), NAMES_SHOWN)


def _units_of(model: MarginModel, group: str) -> str:
    names = [n for unit in model.units if unit.group == group for n in unit.names]
    return clean(", ".join("all others" if n == "*" else n for n in names), 48)
