# SPDX-License-Identifier: Apache-2.0
"""A made-up venue for demonstrations and benchmarks: its market, and a book of accounts on it.

Nothing here is data of any exchange. Names, steps and settlement follow Deribit's conventions, and
prices, smiles and positions are drawn so that a screen of them looks like one of a real venue. The
same seed gives the same venue on every machine (NumPy's PCG64).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.book import Book
from margin_core.errors import ArgumentError
from margin_core.instruments import Kind, expiry_text
from margin_core.market import NS_PER_DAY, Market
from margin_core.pricing import black76

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.margin import Margin

__all__ = ["NOW", "synthetic_book", "synthetic_market"]

#: The venue's default instant, a Tuesday.
NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
FRIDAY = 4
DOLLAR = "USDC"
DOLLAR_PRICE = 0.9998
N_INSTRUMENTS = 2_000


class Coin(NamedTuple):
    """One underlying of the venue. Volatilities and carry are annual fractions."""

    name: str
    price: float
    pair: str  # what its contracts' names begin with
    inverse: bool
    vol_near: float
    vol_far: float
    skew: float
    carry: float
    confidence: float
    share: float  # of the venue's accounts
    step_option: float
    step_future: float


# Steps: Deribit's min_trade_amount of 2026 (BTC 0.1, ETH 1, SOL_USDC 10 for options).
COINS = (
    Coin("BTC", 96_000.0, "BTC", True, 0.42, 0.50, -0.035, 0.060, 0.0002, 0.40, 0.1, 10.0),
    Coin("ETH", 3_350.0, "ETH", True, 0.58, 0.66, -0.025, 0.055, 0.0003, 0.38, 1.0, 1.0),
    Coin("SOL", 178.0, "SOL_USDC", False, 0.74, 0.80, -0.020, 0.080, 0.0005, 0.22, 10.0, 0.1),
)


# The market


def synthetic_market(
    seed: int = 0, *, now: datetime = NOW, n_instruments: int | None = None
) -> Market:
    """The whole market of a made-up venue: BTC, ETH and SOL with their option chains.

    BTC and ETH contracts are inverse, SOL's are linear in USDC, as at Deribit. Each coin has a
    perpetual, dated futures, and options of the next four days, four Fridays, three month ends and
    four quarters, with closely spaced strikes near the forward and coarse ones in the wings.

    Parameters
    ----------
    seed : int
    now : datetime
        With a time zone.
    n_instruments : int, optional
        How many there shall be, spot rows included, to within one; 2,000 by default.

    Returns
    -------
    Market
        Rows by unit, kind, expiry and strike; spot rows last.

    Examples
    --------
    >>> len(synthetic_market(n_instruments=500))
    499
    """
    n = N_INSTRUMENTS if n_instruments is None else int(n_instruments)
    if not 200 <= n <= 20_000:
        raise ArgumentError(f"n_instruments is 200 to 20,000, not {n}")
    rng = np.random.Generator(np.random.PCG64(seed))
    now_ns = int(now.timestamp()) * 1_000_000_000
    expiries = _expiries(now)
    days = np.array([(e.timestamp() - now.timestamp()) / 86_400 for e in expiries])
    indexes = {c.name: round(c.price * float(np.exp(rng.normal(0.0, 0.03))), 2) for c in COINS}
    curves = [_Curve.draw(coin, indexes[coin.name], days / 365.0, rng) for coin in COINS]

    futures = [_is_future(expiry, expiries) for expiry in expiries]
    n_other = sum(1 + sum(futures) for _ in COINS) + len(COINS) + 1
    strikes = _choose_strikes(curves, (n - n_other) // 2)
    texts = [expiry_text(now_ns + round(d * NS_PER_DAY)) for d in days]
    columns: dict[str, list[Any]] = {
        name: [] for name in ("instrument", "forward_usd", "vol", "mark_price", "step")
    }
    for coin, curve, ladder in zip(COINS, curves, strikes, strict=True):
        _add_futures(columns, coin, curve, texts, futures)
        _add_options(columns, coin, curve, texts, ladder)
    market = Market.from_table(
        columns, now=now, index={**indexes, DOLLAR: DOLLAR_PRICE}, name="synthetic market"
    )
    return market.with_confidence({coin.name: coin.confidence for coin in COINS})


def _expiries(now: datetime) -> list[datetime]:
    """08:00 UTC of the next four days, four Fridays, three month ends and four quarters."""
    first = now.astimezone(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
    if first <= now + timedelta(hours=1):
        first += timedelta(days=1)
    coming = [first + timedelta(days=k) for k in range(430)]
    fridays = [day for day in coming if day.weekday() == FRIDAY]
    month_ends = [day for day in fridays if (day + timedelta(days=7)).month != day.month]
    quarters = [day for day in month_ends if day.month % 3 == 0]
    return sorted({*coming[:4], *fridays[:4], *month_ends[:3], *quarters[:4]})


def _is_future(expiry: datetime, expiries: list[datetime]) -> bool:
    """Futures are listed for the two next Fridays, and for month ends and quarters."""
    fridays = [e for e in expiries if e.weekday() == FRIDAY]
    return expiry in fridays[:2] or (expiry + timedelta(days=7)).month != expiry.month


@dataclass(frozen=True)
class _Curve:
    """Forwards and at-the-money volatilities of one coin."""

    index: float
    years: NDArray[np.float64]
    forward: NDArray[np.float64]
    perpetual: float
    atm_vol: NDArray[np.float64]
    skew: float

    @classmethod
    def draw(
        cls, coin: Coin, index: float, years: NDArray[np.float64], rng: np.random.Generator
    ) -> _Curve:
        carry = coin.carry * (1.0 + 0.1 * rng.standard_normal(len(years)).cumsum() / 4.0)
        near = coin.vol_near * float(np.exp(rng.normal(0.0, 0.05)))
        vol = coin.vol_far + (near - coin.vol_far) * np.exp(-years / 0.15)
        return cls(
            index=index,
            years=years,
            forward=np.round(index * np.exp(carry * years), 2),
            perpetual=round(index * (1.0 + rng.normal(1e-4, 2e-4)), 2),
            atm_vol=vol,
            skew=coin.skew,
        )

    def deviations(self, e: int, strike: NDArray[np.float64]) -> NDArray[np.float64]:
        """How many standard deviations a strike is from the forward."""
        spread = self.atm_vol[e] * np.sqrt(self.years[e])
        return np.log(strike / self.forward[e]) / spread

    def vol(self, e: int, strike: NDArray[np.float64]) -> NDArray[np.float64]:
        """A smile that falls towards calls and bends up on both sides; in whole basis points."""
        z = np.clip(self.deviations(e, strike), -6.0, 6.0)
        bend = 1.0 + self.skew * z + 0.022 * z**2 / (1.0 + 0.08 * np.abs(z))
        return np.round(self.atm_vol[e] * bend, 4)


def _choose_strikes(curves: list[_Curve], n_strikes: int) -> list[list[NDArray[np.float64]]]:
    """Strikes of every coin and expiry: the `n_strikes` that a venue would list first.

    A strike costs its distance from the forward in standard deviations, and 1.2 more for each
    halving of the spacing; so the ladder is fine at the forward and coarse in the wings.
    """
    ladders, costs = [], []
    for curve in curves:
        for e in range(len(curve.years)):
            ladder, level = _ladder(curve, e)
            ladders.append(ladder)
            costs.append(np.abs(curve.deviations(e, ladder)) + 1.2 * level)
    flat = np.concatenate(costs)
    limit = np.sort(flat)[min(n_strikes, len(flat)) - 1]
    kept = [ladder[cost <= limit] for ladder, cost in zip(ladders, costs, strict=True)]
    n = len(curves[0].years)
    return [kept[i : i + n] for i in range(0, len(kept), n)]


def _ladder(curve: _Curve, e: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All strikes on the finest spacing, and how fine a spacing each needs: 0 is the coarsest."""
    spread = curve.atm_vol[e] * np.sqrt(curve.years[e])
    forward = curve.forward[e]
    step = _round_step(forward * spread / 10.0)
    low = max(1, int(forward * np.exp(-min(6.0 * spread, 2.0)) / step))
    high = int(forward * np.exp(min(6.0 * spread, 2.0)) / step) + 1
    number = np.arange(low, high)
    level = np.where(number % 4 == 0, 0, np.where(number % 2 == 0, 1, 2))
    return number * np.float64(step), level.astype(np.int64)


def _round_step(width: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 25, 50, ... that is not above `width`; at least 1."""
    power = 10.0 ** max(0, np.floor(np.log10(max(width, 1.0))))
    return float(max(s for s in (1.0, 2.0, 5.0) if s * power <= max(width, 1.0)) * power)


def _add_futures(
    columns: dict[str, list[Any]], coin: Coin, curve: _Curve, texts: list[str], listed: list[bool]
) -> None:
    names = [f"{coin.pair}-PERPETUAL"]
    names += [f"{coin.pair}-{text}" for text, yes in zip(texts, listed, strict=True) if yes]
    marks = [curve.perpetual, *curve.forward[np.array(listed)].tolist()]
    columns["instrument"] += names
    columns["forward_usd"] += marks
    columns["mark_price"] += marks
    columns["vol"] += [np.nan] * len(names)
    columns["step"] += [coin.step_future] * len(names)


def _add_options(
    columns: dict[str, list[Any]],
    coin: Coin,
    curve: _Curve,
    texts: list[str],
    ladder: list[NDArray[np.float64]],
) -> None:
    for e, (text, strikes) in enumerate(zip(texts, ladder, strict=True)):
        forward = float(curve.forward[e])
        vol = np.repeat(curve.vol(e, strikes), 2)
        strike = np.repeat(strikes, 2)
        is_call = np.tile([True, False], len(strikes))
        price = black76(
            forward, strike, float(curve.years[e]), vol, is_call, greeks=["price"]
        ).price
        columns["instrument"] += [
            f"{coin.pair}-{text}-{k:.0f}-{'C' if call else 'P'}"
            for k, call in zip(strike, is_call, strict=True)
        ]
        columns["forward_usd"] += [forward] * len(strike)
        columns["vol"] += vol.tolist()
        columns["mark_price"] += (price / forward if coin.inverse else price).tolist()
        columns["step"] += [coin.step_option] * len(strike)


# The book


class Style(NamedTuple):
    """A way to trade: how common it is, and how many positions of ten it takes on average."""

    share: float
    legs: float
    size_usd: float  # median notional of one leg


#: Market makers take whatever brings the average up to the number asked for.
STYLES = {
    "cash": Style(0.05, 0.0, 0.0),
    "perpetual": Style(0.30, 2.0, 8_000.0),
    "basis": Style(0.08, 4.0, 40_000.0),
    "covered_call": Style(0.09, 4.0, 4_000.0),
    "strangle": Style(0.12, 10.0, 4_000.0),
    "spread": Style(0.12, 10.0, 4_000.0),
    "collar": Style(0.08, 6.0, 4_000.0),
    "market_maker": Style(0.16, 36.0, 6_000.0),
}
WHALE_SHARE = 0.01  # of accounts; they belong to owners of four accounts each
WHALE_ACCOUNTS = 4
WHALE_SIZE = 25.0
CROSS_SHARE = 0.10  # of perpetual traders
ISOLATED_SHARE = 0.15  # of perpetual traders; pockets of a portfolio account
STRESSED_SHARE = 0.008
ORDERS_UP_TO = 100_000  # accounts


def synthetic_book(
    market: Market,
    n_accounts: int,
    seed: int = 0,
    positions_per_account: float = 10,
    *,
    margin: Margin | None = None,
) -> Book:
    """Accounts of a made-up venue, with the mixture of styles that a real one has.

    Cash only; perpetual traders, some in cross accounts and isolated pockets; basis trades;
    covered calls; sellers of strangles; spreads and condors; collars; market makers with many
    legs hedged by the perpetual; and whales, several accounts under one owner. Cash is drawn
    relative to each account's requirement, so that a few in a thousand are in trouble.

    Parameters
    ----------
    market : Market
        From `synthetic_market`.
    n_accounts : int
    seed : int
    positions_per_account : float
        On average; at least 5.
    margin : Margin, optional
        By which the requirement is measured; the house model's by default.

    Returns
    -------
    Book
        Up to 100,000 accounts have a few open orders, too.

    Examples
    --------
    >>> book = synthetic_book(synthetic_market(n_instruments=500), 1_000, seed=1)
    >>> 8 < len(book.positions) / len(book) < 12
    True
    """
    if n_accounts < 1:
        raise ArgumentError("an empty book: no accounts")
    if not 5 <= positions_per_account <= 1_000:
        raise ArgumentError(f"positions_per_account is 5 to 1,000, not {positions_per_account}")
    if margin is None:
        from margin_core.margin import Margin

        margin = Margin.of(market)
    rng = np.random.Generator(np.random.PCG64(seed))
    return _BookMaker(market, int(n_accounts), float(positions_per_account), margin, rng).make()


class _Chain:
    """The market's rows by what a trader looks for."""

    def __init__(self, market: Market) -> None:
        instruments = market.instruments
        self.units = [instruments.units.index(coin.name) for coin in COINS]
        self.kind = instruments.kind
        self.unit = np.full(len(market), -1, dtype=np.int64)
        for u, unit in enumerate(self.units):
            self.unit[instruments.unit == unit] = u
        self.index = market.index_usd[self.units]
        self.step = instruments.step
        option = instruments.is_option()
        inverse_future = instruments.inverse & ~option
        self.usd = np.where(inverse_future, 1.0, market.index_usd[instruments.unit])
        self.forward = market.forward_usd
        self.deviations = np.zeros(len(market))
        spread = market.vol[option] * np.sqrt(market.years[option])
        ratio = instruments.strike[option] / market.forward_usd[option]
        self.deviations[option] = np.log(ratio) / spread
        greeks = black76(
            market.forward_usd[option], instruments.strike[option], market.years[option],
            market.vol[option], instruments.kind[option] == Kind.CALL, greeks=["delta"],
        )  # fmt: skip
        self.delta = np.ones(len(market))
        self.delta[option] = greeks.delta
        self.perpetual = self._one_each(Kind.PERPETUAL)
        self.spot = self._one_each(Kind.SPOT)
        self.dollar = int(instruments.index_of([DOLLAR])[0])
        near = np.exp(-market.years / 0.25)
        away = np.abs(self.deviations)
        self.futures = self.pool(instruments.kind == Kind.FUTURE, np.ones(len(market)))
        self.any_option = self.pool(option, near * np.exp(-0.5 * (away / 1.5) ** 2))
        wing = near * np.exp(-0.5 * ((away - 1.2) / 0.6) ** 2)
        self.calls = self.pool((self.kind == Kind.CALL) & (self.deviations > 0.2), wing)
        self.puts = self.pool((self.kind == Kind.PUT) & (self.deviations < -0.2), wing)
        self.mirror, self.further = self._partners(market)

    def _one_each(self, kind: Kind) -> NDArray[np.int64]:
        rows = np.flatnonzero((self.kind == kind) & (self.unit >= 0))
        return rows[np.argsort(self.unit[rows], kind="stable")]

    def pool(
        self, wanted: NDArray[np.bool_], weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows by unit, and their cumulative weight: unit u's runs from u to u + 1."""
        rows = np.flatnonzero(wanted)
        rows = rows[np.argsort(self.unit[rows], kind="stable")]
        ends = np.empty(len(rows))
        for u in range(len(COINS)):
            mine = self.unit[rows] == u
            total = weight[rows[mine]].cumsum()
            ends[mine] = u + total / total[-1]
        return rows, ends

    def _partners(self, market: Market) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The option as far out on the other side, and the one two strikes further out."""
        mirror = np.arange(len(market))
        further = np.arange(len(market))
        option = np.flatnonzero(market.instruments.is_option())
        key = self.unit[option] * (1 << 62) // 4 + market.instruments.expiry_ns[option] // 4
        for expiry in np.unique(key):
            rows = option[key == expiry]
            for kind, other, outward in ((Kind.CALL, Kind.PUT, 1), (Kind.PUT, Kind.CALL, -1)):
                mine = rows[self.kind[rows] == kind]
                theirs = rows[self.kind[rows] == other]
                gap = np.abs(self.deviations[mine][:, None] + self.deviations[theirs][None, :])
                mirror[mine] = theirs[gap.argmin(axis=1)]
                by_strike = mine[np.argsort(market.instruments.strike[mine])]
                at = np.clip(np.arange(len(mine)) + 2 * outward, 0, len(mine) - 1)
                further[by_strike] = by_strike[at]
        return mirror, further


class _Legs(NamedTuple):
    """Positions of some accounts."""

    account: NDArray[np.int64]
    row: NDArray[np.int64]
    quantity: NDArray[np.float64]


class _BookMaker:
    def __init__(
        self, market: Market, n: int, per_account: float, margin: Margin, rng: np.random.Generator
    ) -> None:
        self.market = market
        self.margin = margin
        self.chain = _Chain(market)
        self.n = n
        self.rng = rng
        names = list(STYLES)
        shares = np.array([STYLES[name].share for name in names])
        self.style = rng.choice(len(names), size=n, p=shares / shares.sum())
        units = np.array([coin.share for coin in COINS])
        self.home = rng.choice(len(COINS), size=n, p=units / units.sum())
        self.owner = self._owners()
        self.size = rng.lognormal(0.0, 1.0, n) * np.where(self.owner >= 0, WHALE_SIZE, 1.0)
        self.scale = per_account / 10.0
        self.coins = np.zeros(n)  # of the home unit, held as collateral

    def _owners(self) -> NDArray[np.int64]:
        owner = np.full(self.n, -1, dtype=np.int64)
        n_whales = int(self.n * WHALE_SHARE) // WHALE_ACCOUNTS * WHALE_ACCOUNTS
        whales = self.rng.choice(self.n, size=n_whales, replace=False)
        owner[whales] = np.arange(n_whales) // WHALE_ACCOUNTS
        return owner

    # Drawing

    def accounts(self, style: str) -> NDArray[np.int64]:
        return np.flatnonzero(self.style == list(STYLES).index(style))

    def draws(self, style: str, legs_each: int) -> NDArray[np.int64]:
        """Each account of a style, as often as it trades a structure of so many legs."""
        accounts = self.accounts(style)
        mean = STYLES[style].legs * self.scale / legs_each
        # Most trade less than the mean and a few much more.
        busy = self.rng.gamma(1.5, 1.0 / 1.5, len(accounts))
        counts = 1 + self.rng.poisson(max(mean - 1.0, 0.0) * busy)
        return np.repeat(accounts, counts)

    def units_of(self, account: NDArray[np.int64]) -> NDArray[np.int64]:
        """Mostly the account's home, sometimes another."""
        unit = self.home[account]
        away = self.rng.random(len(account)) < 0.2
        unit[away] = self.rng.integers(0, len(COINS), int(away.sum()))
        return unit

    def pick(
        self, pool: tuple[NDArray[np.int64], NDArray[np.float64]], unit: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        rows, ends = pool
        at = np.searchsorted(ends, unit + self.rng.random(len(unit)), side="right")
        return rows[np.minimum(at, len(rows) - 1)]

    def quantity(self, style: str, account: NDArray[np.int64], row: NDArray[np.int64]) -> Any:
        """Whole steps worth about the account's size; at least one."""
        usd = STYLES[style].size_usd * self.size[account] * self.rng.lognormal(0.0, 0.4, len(row))
        per_step = self.chain.usd[row] * self.chain.step[row]
        return self.steps(usd / per_step, row)

    def steps(self, count: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.maximum(1.0, np.rint(count)) * self.chain.step[row]

    def signs(self, n: int) -> NDArray[np.float64]:
        return np.where(self.rng.random(n) < 0.5, -1.0, 1.0)

    # Styles

    def perpetual(self) -> list[_Legs]:
        account = self.draws("perpetual", 1)
        row = self.chain.perpetual[self.units_of(account)]
        later = self.rng.random(len(row)) < 0.15
        row[later] = self.pick(self.chain.futures, self.chain.unit[row[later]])
        longs = np.where(self.rng.random(len(row)) < 0.58, 1.0, -1.0)
        return [_Legs(account, row, longs * self.quantity("perpetual", account, row))]

    def basis(self) -> list[_Legs]:
        """Coins held, dated futures and the perpetual sold against them."""
        account = self.draws("basis", 1)
        row = self.pick(self.chain.futures, self.home[account])
        perpetual = self.rng.random(len(row)) < 0.3
        row[perpetual] = self.chain.perpetual[self.home[account[perpetual]]]
        legs = _Legs(account, row, -self.quantity("basis", account, row))
        self.hold_coins(legs, 1.0)
        return [legs]

    def covered_call(self) -> list[_Legs]:
        account = self.draws("covered_call", 1)
        row = self.pick(self.chain.calls, self.home[account])
        legs = _Legs(account, row, -self.quantity("covered_call", account, row))
        self.hold_coins(legs, 1.1)
        return [legs]

    def strangle(self) -> list[_Legs]:
        account = self.draws("strangle", 2)
        row = self.pick(self.chain.calls, self.units_of(account))
        lots = -self.quantity("strangle", account, row)
        return [_Legs(account, row, lots), _Legs(account, self.chain.mirror[row], lots)]

    def spread(self) -> list[_Legs]:
        """Vertical spreads bought and sold; half of them with the other side: condors."""
        account = self.draws("spread", 3)
        row = self.pick(self.chain.calls, self.units_of(account))
        lots = self.signs(len(row)) * self.quantity("spread", account, row)
        legs = [
            _Legs(account, row, lots),
            _Legs(account, self.chain.further[row], -lots),
        ]
        both = self.rng.random(len(row)) < 0.5
        account, row, lots = account[both], self.chain.mirror[row[both]], lots[both]
        return [
            *legs,
            _Legs(account, row, lots),
            _Legs(account, self.chain.further[row], -lots),
        ]

    def collar(self) -> list[_Legs]:
        """Coins held, puts bought below, calls sold above."""
        account = self.draws("collar", 2)
        row = self.pick(self.chain.puts, self.home[account])
        lots = self.quantity("collar", account, row)
        calls = _Legs(account, self.chain.mirror[row], -lots)
        self.hold_coins(calls, 1.0)
        return [_Legs(account, row, lots), calls]

    def market_maker(self) -> list[_Legs]:
        """Many options either way, and the perpetual against what is left of delta."""
        account = self.draws("market_maker", 1)
        row = self.pick(self.chain.any_option, self.units_of(account))
        lots = self.signs(len(row)) * self.quantity("market_maker", account, row)
        options = _Legs(account, row, lots)
        unit = self.chain.unit[row]
        coins = np.bincount(
            account * len(COINS) + unit, lots * self.chain.delta[row], self.n * len(COINS)
        )
        held = np.flatnonzero(np.abs(coins) > 0.0)
        perpetual = self.chain.perpetual[held % len(COINS)]
        worth = self.chain.index[held % len(COINS)] / self.chain.usd[perpetual]
        count = np.rint(np.abs(coins[held]) * worth / self.chain.step[perpetual])
        hedge = -np.sign(coins[held]) * count * self.chain.step[perpetual]
        traded = hedge != 0.0
        return [
            options,
            _Legs(held[traded] // len(COINS), perpetual[traded], hedge[traded]),
        ]

    def hold_coins(self, legs: _Legs, share: float) -> None:
        """Home coins for what the short legs could have to deliver."""
        worth = np.abs(legs.quantity) * self.chain.usd[legs.row]
        coins = worth / self.chain.index[self.chain.unit[legs.row]] * share
        self.coins += np.bincount(legs.account, coins, self.n)

    # Putting it together

    def make(self) -> Book:
        parts = [legs for style in STYLES if style != "cash" for legs in getattr(self, style)()]
        legs = _Legs(
            np.concatenate([part.account for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.quantity for part in parts]),
        )
        order = np.argsort(legs.account * len(self.market) + legs.row, kind="stable")
        legs = _Legs(legs.account[order], legs.row[order], legs.quantity[order])
        self.mode, parent = self.modes()
        positions = (legs.account, legs.row, self.market.names.tolist(), legs.quantity)
        columns: dict[str, Any] = {
            "entry_price": self.entries(legs), "orders": self.orders(), "mode": self.mode,
            "parent": parent, "owner": self.owner,
        }  # fmt: skip
        self.coins = np.round(self.coins, 4)
        bare = Book.from_columns(self.n, positions, balances=self.balances(None), **columns)
        dollars = self.cash(bare)
        return Book.from_columns(self.n, positions, balances=self.balances(dollars), **columns)

    def modes(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        mode = np.zeros(self.n, dtype=np.uint8)
        parent = np.full(self.n, -1, dtype=np.int64)
        traders = self.accounts("perpetual")
        chance = self.rng.random(len(traders))
        mode[traders[chance < CROSS_SHARE]] = 1
        pockets = traders[chance > 1.0 - ISOLATED_SHARE]
        mode[pockets] = 2
        whole = np.flatnonzero(mode == 0)
        if len(whole) and len(pockets):
            parent[pockets] = whole[self.rng.integers(0, len(whole), len(pockets))]
        self.coins[pockets] = 0.0
        return mode, parent

    def entries(self, legs: _Legs) -> NDArray[np.float64]:
        """Entry prices of futures and perpetuals, some per cent from the mark."""
        entry = np.full(len(legs.row), np.nan)
        at = np.flatnonzero(self.chain.kind[legs.row] <= Kind.FUTURE)
        moved = np.exp(self.rng.normal(0.0, 0.03, len(at)))
        entry[at] = np.round(self.chain.forward[legs.row[at]] * moved, 2)
        return entry

    def balances(self, dollars: NDArray[np.float64] | None) -> tuple[Any, ...]:
        holders = np.flatnonzero(self.coins > 0.0)
        names = [coin.name for coin in COINS]
        account, code, amount = [holders], [self.home[holders]], [self.coins[holders]]
        if dollars is not None:
            account.append(np.arange(self.n))
            code.append(np.full(self.n, len(names)))
            amount.append(dollars)
        columns = (np.concatenate(c) for c in (account, code, amount))
        holder, currency, quantity = columns
        return holder, currency, [*names, DOLLAR], quantity

    def cash(self, bare: Book) -> NDArray[np.float64]:
        """USDC that brings equity to a multiple of the maintenance requirement, in whole cents."""
        from margin_core.sweep import sweep

        standing = sweep(bare, self.margin)
        required, equity = standing.amount("mm"), standing.amount("equity")
        rng = self.rng
        health = np.minimum(1.5 + rng.lognormal(0.2, 0.9, self.n), 20.0)
        stressed = rng.random(self.n) < STRESSED_SHARE
        health[stressed] = 1.6 - rng.exponential(0.35, int(stressed.sum()))
        # Dollars are margined too, held or owed: solve for the equity that has this health.
        model = self.margin.model
        rate = model.unit(DOLLAR).range_frac * model.factors.mm_k / 1024
        rate *= np.sign(health * required - equity) * (self.mode == 0)
        target = health * (required - rate * equity) / (1.0 - rate * health)
        idle = rng.lognormal(6.5, 1.5, self.n)
        target += idle * (required == 0.0)
        # Whoever holds coins seldom borrows dollars against them.
        owes = (target < equity) & ~stressed
        target[owes] = equity[owes] + 0.1 * idle[owes]
        return np.round((target - equity) / DOLLAR_PRICE, 2)

    def orders(self) -> tuple[Any, ...] | None:
        """A few resting orders at the near perpetuals."""
        if self.n > ORDERS_UP_TO:
            return None
        account = np.flatnonzero(self.rng.random(self.n) < 0.05)
        if len(account) == 0:
            return None
        row = self.chain.perpetual[self.home[account]]
        side = self.signs(len(account))
        lots = self.steps(1_000.0 / (self.chain.usd[row] * self.chain.step[row]), row)
        limit = np.round(self.chain.forward[row] * (1.0 - 0.01 * side), 2)
        return account, row, self.market.names.tolist(), side * lots, limit
