# SPDX-License-Identifier: Apache-2.0
"""Recorded falls of collateral: what counting it at its peg costs, beside the haircuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.haircut import haircuts
from margin_core.collateral.redemption import AssetPrices
from margin_core.replay import Event

__all__ = ["Counted", "Fall", "fallen", "replay_falls"]

#: Classes of events in which collateral itself fell, and what an asset is taken for that the
#: catalogue lacks.
STAND_INS = {
    "bridge": "USDC.e.polygon", "lst_discount": "stETH", "depeg": "USDe", "unbacked_mint": "USDe",
}  # fmt: skip
#: Instants of the straight line from the peg to the bottom; the first is before the event.
STEPS = 100


@dataclass(frozen=True)
class Counted:
    """Credit beyond what the collateral is worth at the bottom, USD per USD of it at its peg.

    Attributes
    ----------
    before_frac : float
        Granted before the event.
    during_frac : float
        Most that is granted on the way down.
    """

    before_frac: float
    during_frac: float


@dataclass(frozen=True)
class Fall:
    """One asset of an event.

    Attributes
    ----------
    asset, taken_for : str
        Of the event, and of the catalogue.
    at_peg, at_market, ours : Counted
        An engine that counts 1.0; one that counts the last price, without bridge and finality
        haircuts; new credit after ours, without event columns.
    verdicts : {criterion: bool}
        The pass criteria judged here.
    """

    asset: str
    taken_for: str
    at_peg: Counted
    at_market: Counted
    ours: Counted
    verdicts: dict[str, bool]


def fallen(event: Event) -> list[str]:
    """Assets of an event that lost their peg or their backing."""
    if STAND_INS.keys().isdisjoint(event.classes):
        return []
    return [asset for asset, move in event.shock.depeg.items() if move < 0.0]


def replay_falls(event: Event, catalogue: Catalogue | str = "house") -> list[Fall]:
    """Every asset of an event that fell, in units of its peg, on a straight line to the bottom.

    Redemption, queue and bridge are the catalogue's, and the backing is read at every instant.
    Empty where the event is no fall of collateral.
    """
    c = load_catalogue(catalogue)
    return [_fall(c, event, asset) for asset in fallen(event)]


def _fall(catalogue: Catalogue, event: Event, asset: str) -> Fall:
    symbol = asset
    if asset not in catalogue.assets:
        symbol = next(STAND_INS[name] for name in event.classes if name in STAND_INS)
    bottom = 1.0 + event.shock.depeg[asset]
    backing = min(1.0, event.shock.backing_ratio.get(asset, 1.0))
    truth = np.linspace(1.0, bottom, STEPS)
    credit, mark = np.empty(STEPS), np.empty(STEPS)
    for i, price in enumerate(truth):
        prices = AssetPrices(
            dict.fromkeys(catalogue.units, 1.0),
            {**dict.fromkeys(catalogue.assets, 1.0), symbol: float(price)},
            backing={symbol: backing} if i else None,
        )
        h = haircuts([symbol], prices, catalogue=catalogue)
        mark[i] = h.mark_usd[0]
        credit[i] = mark[i] * (1.0 - h.haircut_im_frac[0])
    judged = {"P1": bool(mark.min() / mark[0] >= bottom)}
    if backing < 1.0:
        judged = {"P2": not credit[1:].any(), "P5": credit[1] == 0.0}
    return Fall(
        asset,
        symbol,
        _counted(np.ones(STEPS), bottom),
        _counted(truth, bottom),
        _counted(credit, bottom),
        {code: bool(met) for code, met in judged.items() if code in event.pass_criteria},
    )


def _counted(credit: NDArray[np.float64], bottom: float) -> Counted:
    beyond = np.maximum(credit - bottom, 0.0)
    return Counted(float(beyond[0]), float(beyond[1:].max()))
