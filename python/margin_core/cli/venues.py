# SPDX-License-Identifier: Apache-2.0
"""`margin-core conform` and `compare`, and what `margin-core model` shows of venue presets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from margin_core.cli import screen
from margin_core.model import load_model, model_names
from margin_core.render import Column, amounts, clean, number
from margin_core.venues.preset import load_preset, preset_names
from margin_core.venues.scan.preset import ScanPreset

if TYPE_CHECKING:
    from margin_core.venues.compare import Comparison, Line
    from margin_core.venues.conform import SuiteResult
    from margin_core.venues.preset import Preset

FAILED, UNREADABLE = 1, 2
UNREADABLE_SHOWN = 5


def show_names() -> None:
    """Every model that comes with the package, the house model first."""
    venues = preset_names()
    own = [name for name in model_names() if name not in venues]
    presets = [load_preset(name) for name in venues]
    kinds = ["house model"] * len(own) + [preset.kind for preset in presets]
    titles = ["the project's own model" if load_model(name).verified else "not verified"
              for name in own]  # fmt: skip
    screen.show(
        [
            Column("name", [*own, *venues], right=False),
            Column("kind", kinds, right=False),
            Column("unverified", ["–"] * len(own) + [str(len(p.unverified())) for p in presets]),
            Column("what", titles + [p.title for p in presets], right=False),
        ]
    )
    screen.say()
    screen.prose("unverified: tables of the preset that nobody has checked against the venue.")


def show_preset(preset: Preset) -> None:
    """What a venue preset says: its rules, what is not verified, and its sources."""
    open_points = preset.unverified()
    state = "valid" if not open_points else f"valid; tables not verified: {len(open_points)}"
    screen.say(f"Venue preset {clean(preset.name)}: {state}", bold=True)
    screen.say(f"  {clean(preset.title)}")
    if isinstance(preset, ScanPreset):
        _show_scan(preset)
    else:
        screen.heading("Health types")
        for name, health in preset.health.items():
            what = health.weights or f"mean of {', '.join(health.average)}"
            screen.prose(f"{clean(name)}: weights {clean(what)}, {health.price} price", indent=2)
        screen.heading("Classes")
        for entry in preset.classes:
            screen.prose(clean(", ".join(entry.names)), indent=2)
    if preset.provisions:
        screen.heading("Provisions: amounts from outside the model")
        for rule in preset.provisions:
            screen.prose(f"{clean(rule.name)}: IM {rule.im:.4g} x, MM {rule.mm:.4g} x", indent=2)
    if open_points:
        screen.heading("Not verified against the venue")
        tables = dict(preset.tables())
        for path in open_points:
            screen.prose(f"{clean(path)}{_named(tables[path])}", indent=2)
    screen.heading("Sources")
    for name, text in preset.sources.items():
        screen.prose(f"{clean(name)}: {clean(text)}", indent=2)


def _named(table: Any) -> str:
    label = getattr(table, "name", None) or getattr(table, "label", None)
    names = getattr(table, "names", None)
    text = label or (", ".join(names) if names else "")
    return f" ({clean(text, 48)})" if text else ""


def _show_scan(preset: ScanPreset) -> None:
    screen.say(
        f"  MM = {preset.factors.mm:.4g} x (scan and inside charges) + outside charges, "
        f"IM = {preset.factors.im:.4g} x"
    )
    screen.say(f"  counted in {preset.pricing.numeraire}; units: {preset.combination.kind}")
    screen.heading("Scenarios")
    for family in preset.scenarios:
        if family.kind == "grid":
            count = len(next(iter(family.spot.values())) if isinstance(family.spot, dict)
                        else family.spot) * len(family.vol)  # fmt: skip
        else:
            count = len(family.moves if family.kind == "tails" else family.rows)
        screen.prose(f"{clean(family.label)}: {family.kind} of {count}", indent=2)
    for competitor in preset.competitors:
        screen.prose(f"{clean(competitor.name)}: competes in the minimum", indent=2)
    if preset.charges:
        screen.heading("Charges")
        screen.show(
            [
                Column("charge", [clean(c.name) for c in preset.charges], right=False),
                Column("of", [", ".join(c.units or ("all",)) for c in preset.charges], right=False),
                Column("base", [c.base for c in preset.charges], right=False),
                Column("netted by", [c.segment for c in preset.charges], right=False),
                Column("form", [c.form for c in preset.charges], right=False),
                Column("rate", [f"{c.rate:.4g}" for c in preset.charges]),
                Column("role", [c.role for c in preset.charges], right=False),
            ]
        )


def show_conformance(results: list[SuiteResult], notes: list[str]) -> int:
    """One line a suite, then what failed; the exit status."""
    screen.show(
        [
            Column("suite", [r.suite for r in results], right=False),
            Column("cases", [number(r.cases) for r in results]),
            Column("passed", [number(r.passed) for r in results]),
            Column("largest error", [f"{r.largest:.1e}" for r in results]),
            Column("relative", [f"{r.plain:.1e}" for r in results]),
            Column("asked", [r.asked for r in results], right=False),
        ]
    )
    screen.say()
    screen.prose(
        "largest error: of what is judged, to the number or the suite's scale; relative: to the "
        "number itself, absolute where that is 0."
    )
    for result in results:
        if result.failure:
            screen.heading(f"First failure of {result.suite}")
            for line in result.failure.splitlines():
                screen.say(f"  {clean(line)}")
    open_points = {
        name: len(load_preset(name).unverified())
        for name in sorted(set().union(*(r.presets for r in results)) & set(preset_names()))
    }
    named = [f"{name} ({count})" for name, count in open_points.items() if count]
    if named:
        screen.heading("Presets with unverified tables")
        screen.prose(f"{', '.join(named)}; margin-core model NAME lists them.", indent=2)
    if notes:
        screen.heading("Not here")
        for note in notes:
            screen.prose(clean(note), indent=2)
    unreadable = [fault for result in results for fault in result.unreadable]
    sys.stdout.flush()
    for fault in unreadable[:UNREADABLE_SHOWN]:
        print(f"margin-core: {clean(' '.join(fault.split()))}", file=sys.stderr)
    if len(unreadable) > UNREADABLE_SHOWN:
        print(f"margin-core: and {len(unreadable) - UNREADABLE_SHOWN} more", file=sys.stderr)
    if unreadable:
        return UNREADABLE
    return FAILED if any(r.passed < r.cases for r in results) else 0


def _starred(line: Line) -> str:
    return clean(line.model, 16) + (" *" if line.unverified else "")


def show_comparison(found: Comparison) -> None:
    """A line a model that fits, and why the others do not."""
    lines = found.lines
    held = f"{number(found.positions)} position{'s' if found.positions != 1 else ''}"
    if found.accounts > 1:
        held += f" of {number(found.accounts)} accounts, summed"
    screen.say(f"One book of {held}", bold=True)
    if lines:
        screen.show(
            [
                Column("model", [_starred(x) for x in lines], right=False),
                Column("IM, USD", amounts([x.im_usd for x in lines])),
                Column("MM, USD", amounts([x.mm_usd for x in lines])),
                Column("offset, %", [number(100 * x.offset_frac, 1) for x in lines]),
                Column("binding scenario", [clean(x.worst or "–", 24) for x in lines], right=False),
            ]
        )
        screen.say()
        screen.prose(
            "offset: what netting saves of the sum of every position's requirement alone. "
            "* some of its parameters have not been checked against the venue; margin-core model "
            "NAME says which."
        )
    if found.misfits:
        screen.heading("Does not fit")
        for name, why in found.misfits.items():
            screen.prose(f"{clean(name)}: {clean(why)}", indent=2)
