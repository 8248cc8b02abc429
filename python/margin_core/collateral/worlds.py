# SPDX-License-Identifier: Apache-2.0
"""Market moves and the events of collateral together, as scenarios."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from margin_core.checks import is_a, names
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.errors import UnknownInstrumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from margin_core.scenario import Scenarios

__all__ = ["joint_worlds"]


def joint_worlds(
    scenarios: Scenarios,
    assets: Sequence[str],
    catalogue: Catalogue | str = "house",
    at: ArrayLike | None = None,
    *,
    bridges: Collection[str] = (),
) -> tuple[Scenarios, dict[str, tuple[str, ...]]]:
    """These scenarios, with every event that the assets follow in some of them.

    Parameters
    ----------
    scenarios : Scenarios
    assets : symbols
    catalogue : Catalogue or name
        Its `events` say how far a factor moves: a discount, a depeg, a bridge's failure.
    at : indices or mask, optional
        Of the scenarios that events come together with; those at unchanged volatility by default.
    bridges : names, optional
        Of the catalogue, whose failure is a world of its own: all that came over one is gone. The
        others are in the bridge haircut.

    Returns
    -------
    scenarios : Scenarios
        One event at a time; and all depegs together, and all discounts: stablecoins that hold one
        another, and tokens sold for the same reason, fall together (USDC and DAI in March 2023,
        staked ether and its restaked forms in August 2024). Bridges fail alone.
    factors : {asset: factors}
        For `Margin.of`. Pass `scenarios.factors` as `events` to `haircuts`, so that no risk counts
        twice.

    Raises
    ------
    UnknownInstrumentError
        An asset or a bridge that the catalogue does not have.
    ArgumentError
        `at` is beyond the scenarios.
    """
    from margin_core.scenario import Scenarios

    is_a("scenarios", scenarios, Scenarios)
    c = load_catalogue(catalogue)
    for bridge in names("bridges", bridges):
        if bridge not in c.bridges:
            raise UnknownInstrumentError(f"bridges: {bridge!r} is not in the catalogue")
    follows = {symbol: c.asset(symbol).factors for symbol in names("assets", assets)}
    moves = {
        factor: c.event_move(factor)
        for own in follows.values()
        for factor in own
        if not factor.startswith("bridge.") or factor.removeprefix("bridge.") in bridges
    }
    if not moves:
        return scenarios, {}
    if at is None:
        at = (scenarios.vol_move == 0.0).all(axis=0)
    events = {f"{factor} {100.0 * move:+g} %": {factor: move} for factor, move in moves.items()}
    for kind in ("depeg", "discount"):
        together = {f: move for f, move in moves.items() if f.startswith(f"{kind}.")}
        if len(together) > 1:
            events[f"every {kind}"] = together
    table = scenarios.with_events(events, at)
    return table, c.factors_of(assets, moves)
