# SPDX-License-Identifier: Apache-2.0
"""A staked token's discount replayed hour by hour: who is liquidated, who should be, who pays."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from margin_core.checks import column, is_a, number
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.haircut import haircuts
from margin_core.collateral.redemption import AssetPrices
from margin_core.errors import ArgumentError, DomainError, FileError, MissingExtraError
from margin_core.model import load_model

__all__ = ["DiscountReplay", "read_steth_2022", "replay_discount"]

Column = NDArray[np.float64]

MIN_POSITIVE = 1e-12
USD_MAX = 1e18


@dataclass(frozen=True)
class DiscountReplay:
    """What became of accounts, one opened each hour with as much debt as new credit allows.

    Attributes
    ----------
    accounts : int
    lowest_market, lowest_mark : float
        Least market price and least maintenance mark of the token, in what it follows.
    liquidated, wrongful : int
        Accounts below maintenance at some hour; of these the ones that were healthy at the
        redemption-aware price, the redemption value less its wait.
    bad_debt_usd : float
        What sales at the next hour's market left unpaid.
    least_cover : float
        Over all accounts and hours, what a sale in the market would bring over the debt.
    market_liquidated, market_wrongful : int
        The same for an engine that marks at the market.
    """

    accounts: int
    lowest_market: float
    lowest_mark: float
    liquidated: int
    wrongful: int
    bad_debt_usd: float
    least_cover: float
    market_liquidated: int
    market_wrongful: int


def replay_discount(
    symbol: str,
    market_usd: ArrayLike,
    unit_usd: ArrayLike,
    *,
    exit_open: bool,
    queue_days: float | None = None,
    debt: str = "unit",
    amount_usd: float = 1e6,
    depth_left_frac: float = 1.0,
    discount_frac: float = 0.10,
    sale_usd: ArrayLike | None = None,
    catalogue: Catalogue | str = "house",
) -> DiscountReplay:
    """Margin accounts that hold a token and owe what it follows, or USD, through a price history.

    Parameters
    ----------
    symbol : str
        An asset that its issuer redeems for its unit's coin.
    market_usd, unit_usd : (n,) USD per 1.0
        Prices of the token and of the coin, hour by hour.
    exit_open, queue_days : bool, days
        Whether the issuer redeems, and the assumed wait; the catalogue's where not given.
    debt : {"unit", "USD"}
        A debt in the unit is in a portfolio account, where the token's rows hedge it; one in USD in
        a cross account, whose haircut holds the unit's range.
    amount_usd : float
        Each account's collateral when it is opened.
    depth_left_frac : float
        Part of the token's market depth that is left for sales.
    discount_frac : float
        The discount that the scan of a portfolio account holds as a world of its own: with the coin
        hedged it is the core, which the house model's factors multiply.
    sale_usd : (n,) USD per 1.0, optional
        What a sale brings before its impact, where that is not the price that is margined.

    Raises
    ------
    ArgumentError, DomainError
        Arrays that do not fit; a price that is not positive; an option that is not known.
    """
    c = load_catalogue(catalogue)
    asset = c.asset(symbol)
    if asset.redemption is None or asset.redemption.to != asset.unit:
        raise ArgumentError(f"{symbol!r} is not redeemed for its unit's coin")
    if debt not in ("unit", "USD"):
        raise ArgumentError(f"debt: {debt!r} is not unit or USD")
    market, coin = column("market_usd", market_usd), column("unit_usd", unit_usd)
    sale = market if sale_usd is None else column("sale_usd", sale_usd)
    for name, price in (("market_usd", market), ("unit_usd", coin), ("sale_usd", sale)):
        if price.ndim != 1 or len(price) < 2 or len(price) != len(market):
            raise ArgumentError(f"{name}: shape {price.shape} does not fit {market.shape}")
        if not (np.isfinite(price) & (price > 0.0)).all():
            raise DomainError(f"{name}: a price is not positive")
    number("depth_left_frac", depth_left_frac, MIN_POSITIVE, 1.0)
    number("discount_frac", discount_frac, MIN_POSITIVE, 1.0)
    number("amount_usd", amount_usd, MIN_POSITIVE, USD_MAX)
    is_a("exit_open", exit_open, (bool, np.bool_))
    factors = load_model().factors
    core = discount_frac / 1024.0 if debt == "unit" else 0.0
    scan_mm, scan_im = 1.0 - core * factors.mm_k, 1.0 - core * factors.im_k

    wait = asset.redemption.delay_days if exit_open else asset.redemption.closed_days
    days = wait if queue_days is None else queue_days

    def margined(market_usd: float, coin_usd: float, is_open: bool) -> tuple[float, float, float]:
        h = haircuts(
            [symbol],
            AssetPrices(
                {},
                {symbol: market_usd, asset.unit: coin_usd},
                queue_days={symbol: days},
                exit_open={symbol: is_open},
            ),
            catalogue=c,
            mode="portfolio" if debt == "unit" else "cross",
            amount_usd={symbol: amount_usd},
        )
        counts = (1.0 - h.haircut_mm_frac[0]) * scan_mm
        return h.mark_usd[0], counts, h.mark_usd[0] * (1.0 - h.haircut_im_frac[0]) * scan_im

    hours = list(zip(market, coin, strict=True))
    mark, counts, credit = np.array([margined(*hour, exit_open) for hour in hours]).T
    aware = np.array([margined(*hour, True)[0] for hour in hours])
    owed_usd = coin if debt == "unit" else np.ones_like(coin)
    depth = asset.depth_usd * depth_left_frac
    impact = asset.impact_frac * math.sqrt(amount_usd / depth) if depth else 0.0
    sold = sale * max(0.0, 1.0 - impact)

    # Account k is opened at hour k with `opened[k]` of debt per 1.0 of the token, in what it owes;
    # a little less than allowed, so that rounding alone liquidates nobody.
    opened = credit / owed_usd * (1.0 - 1e-9)
    amount = amount_usd / market
    due = opened[:, None] * owed_usd[None, :]
    lives = np.triu(np.ones((len(market), len(market)), dtype=bool))
    below = lives & (mark * counts < due)
    at_market = lives & (market * counts < due)
    healthy = aware * counts >= due
    first, hit = below.argmax(axis=1), below.any(axis=1)
    after = np.minimum(first + 1, len(market) - 1)
    rows = np.arange(len(market))
    short = np.maximum(0.0, due[rows, after] - sold[after])
    return DiscountReplay(
        accounts=len(market),
        lowest_market=float((market / coin).min()),
        lowest_mark=float((mark / coin).min()),
        liquidated=int(hit.sum()),
        wrongful=int((below & healthy).any(axis=1).sum()),
        bad_debt_usd=float((amount * short)[hit].sum()),
        least_cover=float(
            np.divide(sold, due, where=due > 0.0, out=np.full_like(due, math.inf))[lives].min()
        ),
        market_liquidated=int(at_market.any(axis=1).sum()),
        market_wrongful=int((at_market & healthy).any(axis=1).sum()),
    )


def read_steth_2022(folder: str | os.PathLike[str]) -> dict[str, Column]:
    """May to July 2022, hour by hour, from recorded files.

    An hour in which WETH is more than 15 % from the median of the five hours around it is left out:
    a wrong print. There is one, 13 June 03:00, of 1068 USD where Binance's low was 1304.

    Parameters
    ----------
    folder : path
        Holds `stETH.parquet` and `WETH.parquet` (columns `timestamp` in ms and `USD_price`) and
        `chainlink_stETH_ETH_rounds.csv` (`update` in s, `answer` in 1e-18).

    Returns
    -------
    dict
        `time_s`, `steth_usd`, `weth_usd`, and `oracle_usd`: WETH times the last Chainlink answer.

    Raises
    ------
    FileError, MissingExtraError
        A file or a column is missing; pyarrow is not installed.
    """
    is_a("folder", folder, (str, os.PathLike))
    steth, weth = (_hourly(Path(folder) / f"{name}.parquet") for name in ("stETH", "WETH"))
    start, stop = (int(np.datetime64(day, "h").astype(int)) for day in ("2022-05-01", "2022-08-01"))
    hours = np.array(sorted(h for h in steth.keys() & weth.keys() if start <= h < stop))
    if len(hours) < 5:
        raise FileError(f"{folder}: no five hours of May to July 2022")
    weth_usd = np.array([weth[h] for h in hours])
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(weth_usd, 2, "edge"), 5), 1)
    right = np.abs(weth_usd / around - 1.0) <= 0.15
    hours, weth_usd = hours[right], weth_usd[right]
    path = Path(folder) / "chainlink_stETH_ETH_rounds.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rounds = [_round(path, i, r) for i, r in enumerate(csv.DictReader(file))]
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: not UTF-8") from None
    if not rounds:
        raise FileError(f"{path}: no rows")
    rounds.sort()
    updated, answer = np.array(rounds, dtype=np.float64).T
    last = np.searchsorted(updated, hours * 3600.0, side="right") - 1
    if last[0] < 0:
        raise FileError(f"{path}: no round before May 2022")
    return {
        "time_s": hours * 3600.0,
        "steth_usd": np.array([steth[h] for h in hours]),
        "weth_usd": weth_usd,
        "oracle_usd": weth_usd * answer[last] / 1e18,
    }


def _round(path: Path, row: int, cells: dict[str, str]) -> tuple[int, int]:
    """When a round was, and its answer; both are positive."""
    found = []
    for name in ("update", "answer"):
        text = cells.get(name) or ""
        if not text.strip().isdecimal() or int(text) == 0:
            raise FileError(
                f"{path}, row {row}, {name}: {text!r:.40} is not a positive whole number", row=row
            )
        found.append(int(text))
    return found[0], found[1]


def _hourly(path: Path) -> dict[int, float]:
    """{hour since 1970: price}, the first of an hour."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError(
            "Parquet needs pyarrow: pip install 'margin-core[parquet]'"
        ) from None
    try:
        table = pq.read_table(path, columns=["timestamp", "USD_price"]).to_pydict()
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{path}: {error}") from None
    hours = (round(t / 3.6e6) for t in table["timestamp"])
    return dict(reversed(list(zip(hours, table["USD_price"], strict=True))))
