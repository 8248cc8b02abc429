# SPDX-License-Identifier: Apache-2.0
"""Haircuts in one order, each taken from what the one before left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from margin_core.checks import is_a, mapping, names, number, shown
from margin_core.collateral.bridge import bridge_haircut
from margin_core.collateral.catalogue import Asset, Catalogue, load_catalogue
from margin_core.collateral.redemption import AssetPrices, exit_market, mark_asset
from margin_core.errors import ArgumentError, UnknownInstrumentError

if TYPE_CHECKING:
    from margin_core.margin import Haircut

__all__ = ["COMPONENTS", "Haircuts", "haircuts"]

#: The order in which haircuts compose.
COMPONENTS = (
    "volatility", "exit_depth", "concentration", "bridge", "finality", "redemption", "wrong_way",
)  # fmt: skip

#: Exit depth is linear between these shares of `depth_usd`, as the core's charges are.
DEPTH_NODES = np.concatenate([[0.0], 2.0 ** np.arange(-6, 5)])

USD_MAX = 1e18

Column = NDArray[np.float64]
ByAsset = Mapping[str, float] | None


@dataclass(frozen=True)
class Haircuts:
    """What 1.0 of each asset counts for; arrays have a row per asset, in the order asked for.

    For a margin table: `mark_usd` is the asset's mark, `for_margin()` its haircuts with the
    exit-depth curve. The core charges that curve and, in cross and isolated accounts, the unit's
    range and `unscanned_frac`: ask for a portfolio's haircuts without `amount_usd`, so that none
    counts twice.

    Attributes
    ----------
    symbol : tuple of str, length n
    mark_usd : (n,) float64
        Maintenance mark, USD per 1.0.
    haircut_mm_frac, haircut_im_frac : (n,) float64
        Of `mark_usd`, 0 to 1; ``mm <= im``. A holding's credit is ``mark_usd (1 - haircut)``.
    parts_mm, parts_im : {component: (n,) float64}
        The same by component, in the order of `COMPONENTS`, as fractions of `mark_usd`: each is
        taken from what the ones before left, so they add up to the haircut.
    depth_usd, impact_frac : (n,) float64
        Selling `depth_usd` moves the price by `impact_frac`, and the root of a share of it by the
        root; both 0 where a sale costs nothing.
    exit_market : tuple of str, length n
        The asset whose depth that is, or empty: what one account holds of all that are sold there
        counts together.
    unscanned_frac : (n,) float64
        Of a portfolio's haircuts: what cross and isolated accounts pay besides, for the worst of
        the events that the asset follows, and for a bridge whose failure the scan has. In the
        other modes' haircuts it is in `volatility` and `bridge`, and 0 here.
    """

    symbol: tuple[str, ...]
    mark_usd: Column
    haircut_mm_frac: Column
    haircut_im_frac: Column
    parts_mm: dict[str, Column]
    parts_im: dict[str, Column]
    depth_usd: Column
    impact_frac: Column
    exit_market: tuple[str, ...]
    unscanned_frac: Column

    def for_margin(self) -> dict[str, Haircut]:
        """The haircuts by symbol, as `Margin.of` takes them."""
        from margin_core.margin import Haircut

        return {
            symbol: Haircut(
                float(self.haircut_mm_frac[k]), float(self.haircut_im_frac[k]),
                float(self.depth_usd[k]), float(self.impact_frac[k]),
                float(self.unscanned_frac[k]), self.exit_market[k],
            )
            for k, symbol in enumerate(self.symbol)
        }  # fmt: skip


def haircuts(
    assets: Sequence[str],
    prices: AssetPrices,
    *,
    catalogue: Catalogue | str = "house",
    mode: str = "portfolio",
    has_rows: Collection[str] | None = None,
    events: Collection[str] = (),
    amount_usd: ByAsset = None,
    owner_usd: ByAsset = None,
    venue_usd: ByAsset = None,
    credit_frac: ByAsset = None,
    linked: Collection[str] = (),
) -> Haircuts:
    """Marks and haircuts of assets, no risk counted twice.

    Parameters
    ----------
    assets : symbols
        Of the catalogue; a row of the result each.
    prices : AssetPrices
    mode : {"portfolio", "cross", "isolated"}
        A portfolio account's scan moves the assets in `has_rows`; the other modes have no scan,
        and their `volatility` is the unit's range and the worst event that the asset follows.
    has_rows : symbols, optional
        Assets with rows in the risk array; all of them by default.
    events : factors
        Event columns that the risk array has. An asset that follows that of its bridge,
        ``bridge.NAME``, has no bridge haircut in a portfolio account: the scan has it.
    amount_usd : {symbol: USD}, optional
        One account's amounts, to charge exit depth here instead of in the core; those of assets
        that are sold in one market count together.
    owner_usd, venue_usd : {symbol: USD}, optional
        The beneficial owner's and the whole venue's holdings, for the caps; an owner has at least
        `amount_usd`. What wraps another asset counts to that asset's caps too.
    credit_frac : {symbol: fraction}, optional
        Finality credit of holdings that are booked in full; 1 where the book has credited amounts.
    linked : issuers, bridges, bridges' operators
        The account's owner and whom it is one with: their tokens are wrong-way collateral, and so
        is what comes over their bridges. Names of the catalogue.

    Raises
    ------
    UnknownInstrumentError, ArgumentError, DomainError
        Names the argument and the entry.
    """
    c = load_catalogue(catalogue)
    if mode not in ("portfolio", "cross", "isolated"):
        raise ArgumentError(f"mode: {mode!r} is not portfolio, cross or isolated")
    assets = names("assets", assets)
    has_rows = assets if has_rows is None else _known("has_rows", has_rows, c.assets, "asset")
    events = _known("events", events, c.factors, "factor")
    linked = _known("linked", linked, c.issuers, "issuer, bridge or operator of one")
    is_a("prices", prices, AssetPrices)
    rows = [c.asset(symbol) for symbol in assets]
    amount = _by_asset(c, "amount_usd", amount_usd)
    owner = _by_asset(c, "owner_usd", owner_usd)
    owner = {s: max(amount.get(s, 0.0), owner.get(s, 0.0)) for s in amount.keys() | owner.keys()}
    venue = _by_asset(c, "venue_usd", venue_usd)
    credit = _by_asset(c, "credit_frac", credit_frac, high=1.0)
    uncredited = _floats(1.0 - credit.get(symbol, 1.0) for symbol in assets)
    prices.checked(c)
    marks = [mark_asset(c, symbol, prices) for symbol in assets]
    mark, mark_im = _floats(m.mm_usd for m in marks), _floats(m.im_usd for m in marks)
    markets = tuple(exit_market(c, symbol, prices) for symbol in assets)
    depth = _floats(c.assets[m].depth_usd if m else 0.0 for m in markets)
    impact = _floats(c.assets[m].impact_frac if m else 0.0 for m in markets)
    sold: dict[str, float] = {}
    for symbol, usd in amount.items():
        market = exit_market(c, symbol, prices)
        sold[market] = sold.get(market, 0.0) + usd
    scanned = np.array([mode == "portfolio" and s in has_rows for s in assets], dtype=bool)
    follows = c.factors_of(assets, events)
    concentration = _concentration(
        np.maximum(_used(c, assets, venue, "cap_usd"), _used(c, assets, owner, "owner_cap_usd")),
        c.risk.concentration_free_frac,
    )
    bridge = _floats(0.0 if a.bridge is None else bridge_haircut(c, a.bridge) for a in rows)
    failures = [f"bridge.{a.bridge}" in follows.get(symbol, ())
                for symbol, a in zip(assets, rows, strict=True)]  # fmt: skip
    in_scan = scanned & np.array(failures, dtype=bool)
    event = _floats(_worst_event(c, a) for a in rows)
    moves = _floats(c.units[a.unit].range_frac for a in rows)
    moves += (1.0 - moves) * event
    mm = {
        "volatility": np.where(scanned, 0.0, moves),
        "exit_depth": _exit_depth(_floats(sold.get(m, 0.0) for m in markets), depth, impact),
        "concentration": concentration,
        "bridge": np.where(in_scan, 0.0, bridge),
        "finality": uncredited,
        "redemption": np.zeros(len(rows)),
        "wrong_way": _floats(_wrong_way(c, a, linked) for a in rows),
    }  # fmt: skip
    lower = np.divide(mark_im, mark, out=np.ones_like(mark), where=mark > 0.0)
    parts_mm, left_mm = _compose(mm)
    parts_im, left_im = _compose({**mm, "redemption": 1.0 - lower})
    return Haircuts(
        tuple(assets), mark, 1.0 - left_mm, 1.0 - left_im, parts_mm, parts_im, depth, impact,
        markets, np.where(scanned, event + (1.0 - event) * np.where(in_scan, bridge, 0.0), 0.0),
    )  # fmt: skip


def _compose(rates: Mapping[str, Column]) -> tuple[dict[str, Column], Column]:
    """Each component's rate of what the ones before left, and what all of them leave."""
    left = np.ones_like(rates[COMPONENTS[0]])
    parts = {}
    for name in COMPONENTS:
        parts[name] = left * rates[name]
        left = left * (1.0 - rates[name])
    return parts, left


def _wrong_way(catalogue: Catalogue, asset: Asset, linked: Collection[str]) -> float:
    if asset.issuer in linked:
        return catalogue.risk.own_token_frac
    needs = {*asset.rests_on}
    if asset.bridge is not None:
        needs |= {asset.bridge, catalogue.bridge(asset.bridge).operator}
    return catalogue.risk.linked_frac if needs & {*linked} else 0.0


def _worst_event(catalogue: Catalogue, asset: Asset) -> float:
    """Of the discounts and depegs that it follows; a bridge has a haircut of its own."""
    moves = (catalogue.event_move(f) for f in asset.factors if not f.startswith("bridge."))
    return max([0.0, *(-move for move in moves)])


def _exit_depth(amount: Column, depth: Column, impact: Column) -> Column:
    share = np.divide(amount, depth, out=np.zeros_like(amount), where=depth > 0.0)
    return np.minimum(1.0, impact * np.interp(share, DEPTH_NODES, np.sqrt(DEPTH_NODES)))


def _concentration(used: Column, free: float) -> Column:
    """What holdings that use this share of a cap cost, at a rate on each further unit.

    The marginal rate rises from 0 at `free` of the cap to 1 at the cap. Everybody pays its mean
    over all that is held: a further unit counts for 1 less the marginal rate, and never for less
    than nothing.
    """
    within = np.minimum(used, 1.0)
    area = np.maximum(within - free, 0.0) ** 2 / (2.0 * (1.0 - free)) + (used - within)
    return np.divide(area, used, out=np.zeros_like(used), where=used > 0.0)


def _used(
    catalogue: Catalogue, assets: Sequence[str], held: Mapping[str, float], cap: str
) -> Column:
    """The fullest of an asset's cap and of those of what it wraps, as a share of the cap.

    A cap is filled by all that wraps the asset. Anything held exceeds a cap of 0.
    """
    filled: dict[str, float] = {}
    for symbol, usd in held.items():
        for name in catalogue.within_a_day(symbol):
            filled[name] = filled.get(name, 0.0) + usd

    def share(name: str) -> float:
        usd, most = filled.get(name, 0.0), getattr(catalogue.assets[name], cap)
        return usd / most if most > 0.0 else USD_MAX if usd > 0.0 else 0.0

    return _floats(max(map(share, catalogue.within_a_day(symbol))) for symbol in assets)


def _by_asset(
    catalogue: Catalogue, field: str, values: ByAsset, high: float = USD_MAX
) -> Mapping[str, float]:
    given = mapping(field, values)
    for name, value in given.items():
        if name not in catalogue.assets:
            raise UnknownInstrumentError(f"{field}: {shown(name)} is not in the catalogue")
        number(f"{field}[{name!r}]", value, 0.0, high)
    return given


def _known(
    field: str, given: Collection[str], known: Collection[str], what: str
) -> tuple[str, ...]:
    """Names, each of which the catalogue has."""
    found = names(field, given)
    for name in found:
        if name not in known:
            raise UnknownInstrumentError(f"{field}: {shown(name)} is no {what} in the catalogue")
    return found


def _floats(values: Iterable[float]) -> Column:
    return np.fromiter(values, dtype=np.float64)
