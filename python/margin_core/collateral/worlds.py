# SPDX-License-Identifier: Apache-2.0
"""Market moves and the events of collateral together, as scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from margin_core.collateral.catalogue import Catalogue, load_catalogue

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from margin_core.scenario import Scenarios

__all__ = ["joint_worlds"]


def joint_worlds(
    scenarios: Scenarios,
    assets: Sequence[str],
    catalogue: Catalogue | str = "house",
    at: ArrayLike | None = None,
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

    Returns
    -------
    scenarios : Scenarios
        One event at a time.
    factors : {asset: factors}
        For `Margin.of`. Pass `scenarios.factors` as `events` to `haircuts`, so that no risk counts
        twice.

    Raises
    ------
    UnknownInstrumentError
        An asset that the catalogue does not have.
    """
    c = load_catalogue(catalogue)
    follows = {symbol: c.asset(symbol).factors for symbol in assets}
    moves = {factor: c.event_move(factor) for own in follows.values() for factor in own}
    if not moves:
        return scenarios, {}
    if at is None:
        at = (scenarios.vol_move == 0.0).all(axis=0)
    table = scenarios.with_events(
        {f"{factor} {100.0 * move:+g} %": {factor: move} for factor, move in moves.items()}, at
    )
    return table, c.factors_of(assets, moves)
