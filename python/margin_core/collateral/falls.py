# SPDX-License-Identifier: Apache-2.0
"""Recorded falls of collateral: an account that borrows all it may, played through the kernel.

Source: docs/method/collateral.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from margin_core.book import Book
from margin_core.clearing import Ledger, Waterfall
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.haircut import haircuts
from margin_core.collateral.redemption import AssetPrices
from margin_core.collateral.worlds import joint_worlds
from margin_core.errors import DomainError
from margin_core.instruments import Instruments
from margin_core.margin import Haircut, Margin
from margin_core.market import Market
from margin_core.model import load_model
from margin_core.replay import START, Event
from margin_core.scenario import Scenarios
from margin_core.sweep import STATUS, sweep

__all__ = ["Fall", "Played", "fallen", "replay_falls"]

#: What an asset is taken for that the catalogue lacks, by the event's class.
STAND_INS = {
    "bridge": "USDC.e.polygon", "lst_discount": "stETH", "depeg": "USDe", "unbacked_mint": "USDe",
}  # fmt: skip
#: Instants of the straight line from the peg to the bottom; the first is before the event.
STEPS = 100
#: Debts that are tried, as parts of the collateral at its peg: what may be lent is one of them.
DEBTS = np.linspace(0.0, 1.0, 1001)
#: What the recorded facts do not say, and every replay assumes: the account's collateral, the
#: insurance fund as a part of it, and the fee for liquidation as a part of what is sold.
AMOUNT_USD = 1e6
FUND, FEE = 0.01, 0.005
#: Nobody has a gain on a loan, so nobody is deleveraged: what the fund lacks, the lenders share.
LENDERS = Waterfall(adl="none")
#: Of a price, so that the kernel has one.
LEAST = 1e-6
QUANTUM = 1e-6
ENGINES = ("at_peg", "at_market", "ours", "aware")


@dataclass(frozen=True)
class Played:
    """What one engine did, USD per USD of collateral at its peg; in the coin that it follows.

    Attributes
    ----------
    lent_frac : float
        The most that it lends before the event, to a thousandth.
    during_frac : float
        The most that it would lend anew on the way down.
    sold_frac : float
        What the sale of the collateral brought.
    at_frac : float
        The market's price when the account was liquidated; NaN: it never was, and is closed at the
        bottom.
    bad_debt_frac : float
        What is owed beyond that.
    short_frac : float
        What would be, had the collateral been sold at the bottom.
    """

    lent_frac: float
    during_frac: float
    sold_frac: float
    at_frac: float
    bad_debt_frac: float
    short_frac: float


@dataclass(frozen=True)
class Fall:
    """One asset of an event.

    Attributes
    ----------
    asset, taken_for : str
        Of the event, and of the catalogue.
    exit_open, backed : bool
        Whether its issuer is taken to redeem during the event, and whether it has what it owes.
    bottom_frac : float
        Its least price over its peg.
    at_peg, at_market, ours : Played
        An engine that counts 1.0; one that counts the last price; haircuts and the scan with the
        catalogue's event columns, which the first two do without.
    fund_frac, shared_frac : float
        Of our bad debt, what the insurance fund paid and what the others paid.
    verdicts : {criterion: bool}
        The pass criteria judged here, of those that the event names.
    breaches : {criterion: float}
        Of P3 and P4: by how much what was held was too little. A breach is listed, not met, and no
        fault of the code: 99.5 % is exceeded at times.
    """

    asset: str
    taken_for: str
    exit_open: bool
    backed: bool
    bottom_frac: float
    at_peg: Played
    at_market: Played
    ours: Played
    fund_frac: float
    shared_frac: float
    verdicts: dict[str, bool]
    breaches: dict[str, float]

    @property
    def known(self) -> bool:
        """Whether the catalogue has it."""
        return self.taken_for == self.asset

    @property
    def missed(self) -> list[str]:
        """Criteria that are neither met nor a breach with a size."""
        judged = self.verdicts.items()
        return [code for code, met in judged if not met and code not in self.breaches]


def fallen(event: Event, catalogue: Catalogue | str = "house") -> list[str]:
    """Assets of an event that fell below their peg: the catalogue's, or with a stand-in in it."""
    known = load_catalogue(catalogue).assets
    stands = not STAND_INS.keys().isdisjoint(event.classes)
    fell = [asset for asset, move in event.shock.depeg.items() if move < 0.0]
    return [asset for asset in fell if stands or asset in known]


def replay_falls(
    event: Event,
    catalogue: Catalogue | str = "house",
    *,
    waterfall: Waterfall = LENDERS,
    fund_frac: float = FUND,
) -> list[Fall]:
    """Every asset of an event that fell, in units of its peg, on a straight line to the bottom.

    An account of 1 million USD borrows what its asset follows, USD or the coin, up to its initial
    requirement. It is liquidated at the first instant below maintenance, and its collateral sold at
    the next: at the market's price less the exit's impact in the depth that is left.

    Parameters
    ----------
    event : Event
    catalogue : Catalogue or name
        Redemption, queue, bridge, depth and event columns are its; the event's `exit_open` and
        `queue_days` go before them, and its backing is read at every instant.
    waterfall : Waterfall
        What pays a bad debt below the account's own collateral.
    fund_frac : float
        The insurance fund, as a part of the collateral.

    Returns
    -------
    list of Fall
        Empty where the event is no fall of collateral.

    Raises
    ------
    DomainError
        A fund that is not in 0 to 1.
    """
    if not 0.0 <= fund_frac <= 1.0:
        raise DomainError(f"fund_frac = {fund_frac} is not in 0 to 1")
    c = load_catalogue(catalogue)
    return [_Path(c, event, asset).fall(waterfall, fund_frac) for asset in fallen(event, c)]


class _Path:
    """One asset on its way down: prices, and the standing of every account at every instant."""

    def __init__(self, catalogue: Catalogue, event: Event, asset: str) -> None:
        shock = event.shock
        self.catalogue, self.event, self.asset = catalogue, event, asset
        self.symbol = asset
        if asset not in catalogue.assets:
            self.symbol = next(STAND_INS[name] for name in event.classes if name in STAND_INS)
        self.known = self.symbol == asset
        entry = catalogue.asset(self.symbol)
        self.backing = min(1.0, shock.backing_ratio.get(asset, 1.0))
        is_open = entry.redemption.open if entry.redemption else False
        self.exit_open = shock.exit_open.get(asset, is_open)
        self.part = np.linspace(0.0, 1.0, STEPS)
        self.market = self._line(asset)
        depth = entry.depth_usd * min(1.0, shock.liquidity.get(asset, 1.0))
        size = AMOUNT_USD * self.market
        impact = np.zeros(STEPS)
        if entry.impact_frac:
            share = np.divide(size, depth, out=np.full(STEPS, np.inf), where=depth > 0.0)
            impact = np.minimum(1.0, entry.impact_frac * np.sqrt(share))
        self.sale = self.market * (1.0 - impact)
        self.status, self.credit = self._standing()

    def _line(self, asset: str) -> NDArray[np.float64]:
        return np.maximum(1.0 + self.event.shock.depeg[asset] * self.part, LEAST)

    def _prices(self, i: int, *, aware: bool) -> AssetPrices:
        """The world at an instant; redemption-aware: a closed exit is a long wait, not a price."""
        shock, c, symbol = self.event.shock, self.catalogue, self.symbol
        others = [name for name in shock.depeg if name in c.assets]
        market = {**dict.fromkeys(c.assets, 1.0), **{n: float(self._line(n)[i]) for n in others}}
        market[symbol] = float(self.market[i])
        names = {name: name for name in c.assets} | {self.asset: symbol}

        def given(values: Mapping[str, float]) -> dict[str, float]:
            own = values.get(self.asset)
            found = {names[n]: v for n, v in values.items() if n in names}
            return found if own is None else {**found, symbol: own}

        is_open = {name: bool(v) for name, v in given(shock.exit_open).items()}
        days = given(shock.queue_days) if i else {}
        redemption = c.asset(symbol).redemption
        if aware and redemption is not None and not self.exit_open:
            days, is_open = {symbol: redemption.closed_days} | days, {**is_open, symbol: True}
        backing = {name: min(1.0, v) for name, v in given(shock.backing_ratio).items()}
        return AssetPrices(
            dict.fromkeys(c.units, 1.0), market, queue_days=days, exit_open=is_open,
            backing=backing if i else None,
        )  # fmt: skip

    def _standing(self) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Status of every debt at every instant by every engine, and the most that each may lend.

        Every engine's asset at every instant is a spot row of one market, so that one table and one
        sweep answer all.
        """
        c, symbol = self.catalogue, self.symbol
        unit = c.asset(symbol).unit
        worlds, factors = joint_worlds(
            Scenarios.from_model(load_model("house"), [unit]), [symbol], c
        )
        marks: dict[str, float] = {}
        held: dict[str, Haircut] = {}
        for engine in ENGINES:
            for i in range(STEPS):
                name = f"{engine} {i}"
                if engine == "at_peg":
                    marks[name] = 1.0
                elif engine == "at_market":
                    marks[name] = float(self.market[i])
                else:
                    prices = self._prices(i, aware=engine == "aware")
                    h = haircuts([symbol], prices, catalogue=c, events=worlds.factors)
                    marks[name] = max(float(h.mark_usd[0]), LEAST)
                    held[name] = h.for_margin()[symbol]
        coin = Market(START, Instruments.from_names([unit]), *(np.ones(1),) * 3, vol=np.zeros(1))
        market = coin.with_assets(marks, dict.fromkeys(marks, unit))
        follow = dict.fromkeys(held, factors[symbol]) if symbol in factors else {}
        margin = Margin.of(market, "house", worlds, factors=follow, haircuts=held, threads=1)
        rows, debts = len(marks), len(DEBTS)
        account = np.arange(rows * debts)
        row, owed = np.repeat(np.arange(rows), debts), -AMOUNT_USD * np.tile(DEBTS, rows)
        book = Book.from_columns(
            len(account),
            (account, row, list(marks), np.full(len(account), AMOUNT_USD)),
            balances=(account, np.zeros_like(account), [unit], owed),
        )
        found = sweep(book, margin, market_exposure=False, threads=1).status
        status = found.reshape(len(ENGINES), STEPS, debts)
        ok = status == STATUS.index("ok")
        most = debts - 1 - ok[:, :, ::-1].argmax(axis=2)
        return status, np.where(ok.any(axis=2), DEBTS[most], 0.0)

    def fall(self, waterfall: Waterfall, fund_frac: float) -> Fall:
        at_peg, at_market, ours = (self._played(engine)[0] for engine in ENGINES[:3])
        wrongly = self._played("ours")[1]
        residual, fund, shared = _paid(ours, waterfall, fund_frac)
        short = ours.short_frac
        verdicts = {"P1": not wrongly, "P3": residual == 0 and shared <= 0.0, "P4": short <= 0.0}
        sizes = {"P3": shared if residual == 0 else 0.0, "P4": short}
        if self.backing < 1.0:
            new = self.credit[ENGINES.index("ours"), 1:]
            verdicts |= {"P2": not new.any(), "P5": bool(new[0] == 0.0)}
        asked = [code for code in self.event.pass_criteria if code in verdicts]
        return Fall(
            self.asset, self.symbol, self.exit_open, self.backing >= 1.0,
            float(self.market[-1]), at_peg, at_market, ours, fund, shared,
            {code: verdicts[code] for code in asked},
            {code: sizes[code] for code in asked if sizes.get(code, 0.0) > 0.0},
        )  # fmt: skip

    def _played(self, engine: str) -> tuple[Played, bool]:
        """What it did, and whether it liquidated an account that redemption would have paid."""
        e = ENGINES.index(engine)
        lent = float(self.credit[e, 0])
        k = int(np.searchsorted(DEBTS, lent))
        below = self.status[e, :, k] >= STATUS.index("liquidatable")
        hit = bool(below.any()) and lent > 0.0
        first = int(below.argmax()) if hit else STEPS - 1
        sold = float(self.sale[min(first + 1, STEPS - 1)])
        healthy = self.known and self.status[-1, first, k] < STATUS.index("liquidatable")
        at = float(self.market[first]) if hit else math.nan
        during = float(self.credit[e, 1:].max())
        bad, short = (max(0.0, lent - brought) for brought in (sold, float(self.sale[-1])))
        return Played(lent, during, sold, at, bad, short), hit and healthy


def _paid(played: Played, waterfall: Waterfall, fund_frac: float) -> tuple[int, float, float]:
    """The ledger's residual, and what the fund and the others paid of a bad debt.

    The account has sold its collateral and owes three lenders; what it cannot pay goes down the
    waterfall.
    """
    sold, owed, fund = (
        round(part * AMOUNT_USD / QUANTUM)
        for part in (played.sold_frac, played.lent_frac, fund_frac)
    )
    third = owed // 3
    ledger = Ledger([sold, 0, 0, 0], [-owed, third, third, owed - 2 * third], insurance=fund,
                    waterfall=waterfall)  # fmt: skip
    ledger.liquidate([0], fee=round(FEE * sold))
    bad, residual = ledger.deficit, abs(ledger.residual)
    if not bad:
        return residual, 0.0, 0.0
    paid = ledger.cover([1, 2, 3], [1, 2, 3]).receipts["covered"]
    residual += abs(ledger.residual)
    insured = int(paid[0]) if "insurance" in waterfall.layers else 0
    unit = QUANTUM / AMOUNT_USD
    return residual, insured * unit, (bad - insured) * unit
