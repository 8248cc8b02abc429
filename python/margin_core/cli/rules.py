# SPDX-License-Identifier: Apache-2.0
"""What `margin-core model` shows of a catalogue of collateral, an oracle rule, threshold rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from margin_core.cli import screen
from margin_core.render import Column, clean, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from margin_core.collateral.catalogue import Catalogue
    from margin_core.dynamics.threshold import ThresholdModel
    from margin_core.oracle_model import OracleModel

ALLOWED = {"no": "–", "mid": "mid", "adverse": "adverse", "favourable": "favour."}


def show_rules(kind: str, name: str, names: bool, schema: bool) -> None:
    """Check and show a catalogue or a rule; or list those that come along, or print the schema."""
    from margin_core.collateral.catalogue import Catalogue, load_catalogue
    from margin_core.dynamics.threshold import ThresholdModel, load_thresholds
    from margin_core.model import packaged_names
    from margin_core.oracle_model import OracleModel, load_oracle_model

    if names:
        for each in packaged_names(kind):
            screen.say(each)
    elif schema:
        models: dict[str, type[BaseModel]] = {
            "collateral": Catalogue, "oracle": OracleModel, "thresholds": ThresholdModel,
        }  # fmt: skip
        screen.say(json.dumps(models[kind].model_json_schema(), indent=2))
    elif kind == "collateral":
        show_catalogue(load_catalogue(name))
    elif kind == "oracle":
        show_oracle(load_oracle_model(name))
    else:
        show_thresholds(load_thresholds(name))


def show_catalogue(c: Catalogue) -> None:
    """Assets with what they follow and how they are left; what is assumed; sources."""
    screen.say(f"Collateral {clean(c.name)}: valid", bold=True)
    screen.say(
        f"  {len(c.assets)} assets on {len(c.chains)} chains over {len(c.bridges)} bridges, "
        f"{len(c.events)} events"
    )
    screen.heading("Assets")
    names, assets = list(c.assets), list(c.assets.values())
    exits = [a.redemption for a in assets]
    screen.show(
        [
            Column("asset", [clean(n, 16) for n in names], right=False),
            Column("chain", [clean(a.chain, 9) for a in assets], right=False),
            Column("follows", [clean(a.unit, 7) for a in assets], right=False),
            Column("redeems to", [clean(r.to, 10) if r else "–" for r in exits], right=False),
            Column("days", [f"{r.delay_days:.4g}" if r else "–" for r in exits]),
            Column("closed", [f"{r.closed_days:.4g}" if r else "–" for r in exits]),
            Column("cap, M", [number(a.cap_usd / 1e6) for a in assets]),
        ]
    )
    screen.prose(
        "days: wait while the exit is open; closed: while it is not; cap: USD that the whole venue "
        "takes.",
        indent=2,
    )
    screen.heading("Events: how far they take what follows them, %")
    for name, event in c.events.items():
        screen.prose(f"{clean(name)}: {100 * event.move_frac:+.4g}", indent=2)
    screen.heading("Assumed fields, by table")
    for path, table in c.tables():
        if table.assumed:
            screen.prose(f"{clean(path)}: {clean(', '.join(table.assumed), 400)}", indent=2)
    _show_sources(c.sources)


def show_oracle(rule: OracleModel) -> None:
    """Limits and the ladder: which class allows which action, at which price."""
    screen.say(f"Oracle rule {clean(rule.name)}: valid", bold=True)
    screen.prose(clean(rule.title), indent=2)
    screen.heading("Limits")
    _show_parts(rule, "age", "depth", "jump", "outage", "limits", "spread", "drift", "stable")
    screen.heading("Ladder, worst first: what each class allows, at which price")
    headers = {
        "display": "display",
        "margin_check": "check",
        "risk_increasing": "credit",
        "withdrawal": "withdraw",
        "liquidation": "liquidate",
        "settlement": "settle",
    }
    screen.show(
        [
            Column("class", [clean(rung.name, 14) for rung in rule.ladder], right=False),
            *(
                Column(
                    header, [ALLOWED[getattr(rung.allows, name)] for rung in rule.ladder],
                    right=False,
                )
                for name, header in headers.items()
            ),
        ]
    )  # fmt: skip
    for rung in rule.ladder:
        screen.prose(f"{clean(rung.name)}: {clean(', '.join(rung.when)) or 'no reason'}", indent=2)
    _show_sources(rule.sources)


def show_thresholds(rules: ThresholdModel) -> None:
    """What ranges follow, and the tail of each level."""
    screen.say(f"Threshold rules {clean(rules.name)}: valid", bold=True)
    screen.prose(clean(rules.title), indent=2)
    screen.heading("Rules")
    _show_parts(
        rules, "current", "buffer", "floor", "stress", "aftershock", "learning", "limits",
        "maintenance", "bounds",
    )  # fmt: skip
    screen.heading(f"Range of {rules.horizon.days:.4g} days, in standard deviations")
    for tail in rules.horizon.tails:
        screen.prose(f"{100 * tail.level:.4g} % of moves: {tail.multiple:.4g}", indent=2)
    _show_sources(rules.sources)


def _show_parts(model: BaseModel, *parts: str) -> None:
    """The numbers of some tables, a line each."""
    for part in parts:
        values = getattr(model, part).model_dump(exclude={"source", "verified"})
        text = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
        screen.prose(f"{part}: {text}", indent=2)


def _show_sources(sources: Mapping[str, str]) -> None:
    screen.heading("Sources")
    for name, text in sources.items():
        screen.prose(f"{clean(name)}: {clean(text, 600)}", indent=2)
