# SPDX-License-Identifier: Apache-2.0
"""What prices did outside the venue: the history that ranges saw, and the crash itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from margin_core.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.dynamics.bars import Bars
    from margin_core.replay import Event, Shock

__all__ = ["Path", "crash_path", "is_crash"]

S, HOUR_S = 1_000_000_000, 3600
HOUR_NS = HOUR_S * S
YEAR_H = 365 * 24
#: Everything below is an assumption of the simulation; docs/method/crash.md lists them.
HISTORY_DAYS = 1_100  # where there are no prices
CALM = 1.3  # volatility over the years, over that before the crash
VOL_SPREAD, VOL_HALF_LIFE_H = 0.45, 20 * 24  # of its logarithm
TAIL_FREEDOM = 4  # Student's t of hourly returns
FOLLOWS = 0.75  # correlation of a coin without prices with the first one
FAST_SHARE = 0.8  # of the move, in the fast leg
REBOUND = 1 / 3  # of the move, in the hour after the bottom
DEPTH_HALF_LIFE_S = 2 * HOUR_S  # of what is missing of it, after the bottom
NO_LIQUIDITY, NO_VOL = 0.1, 0.8  # where the event names none
FINE_S, COARSE_S, STEP_MOVE = 60, 300, 0.005  # a step is fine where any price moves more
FURTHEST_FALL = -0.95  # beyond it a step of a contract is worth too little to be a risk lot
START_USD = {"BTC": 8_000.0, "ETH": 200.0, "SOL": 150.0}


@dataclass(frozen=True, eq=False)
class Path:
    """Prices outside the venue; rows are instants, columns are units.

    Attributes
    ----------
    units : tuple of str
    time_ns : (n,) int64
        Every five minutes, and every minute while a price moves; full hours are among them.
    price_usd : (n, n_units) float64
    depth_frac : (n, n_units) float64
        Of the depth in normal times.
    hour_ns, hour_usd, present
        The hours before, the last of them at `time_ns[0]`; (m,), (m, n_units) twice.
    recorded : tuple of str
        Units whose crash is recorded prices; the others follow the event's figures.
    """

    units: tuple[str, ...]
    time_ns: NDArray[np.int64]
    price_usd: NDArray[np.float64]
    depth_frac: NDArray[np.float64]
    hour_ns: NDArray[np.int64]
    hour_usd: NDArray[np.float64]
    present: NDArray[np.bool_]
    recorded: tuple[str, ...] = ()


def is_crash(event: Event) -> bool:
    """Whether its figures say how prices moved, far enough to simulate and not to nothing."""
    moves = event.shock.spot.values()
    return any(abs(m) >= 0.05 for m in moves) and all(FURTHEST_FALL <= m <= 10.0 for m in moves)


def crash_path(event: Event, bars: Mapping[str, Bars] | None = None, *, seed: int = 0) -> Path:
    """The path of an event, from recorded bars where they cover it, else from its figures.

    Parameters
    ----------
    event : Event
    bars : {unit: Bars}, optional
        Hourly or shorter. Before the crash they are what ranges saw; where they reach beyond it,
        they are the crash, too.
    seed : int
        Of the history of units without bars, and of hours that the bars lack.
    """
    shock, held = event.shock, dict(bars or {})
    if not is_crash(event):
        raise ArgumentError(f"{event.id}: no event that moved a price by 5 % and none to nothing")
    names = {name.replace("_", ""): name for name in shock.spot}
    units = tuple(names)
    begin_s = _begin_s(event)
    start_s = begin_s // HOUR_S * HOUR_S
    points = {unit: _waypoints(shock, name) for unit, name in names.items()}
    # a recorded crash ends when the figures say it did
    lasts_s = begin_s - start_s + max(line[-1][0] for line in points.values())
    second = np.arange(0, int(lasts_s) + FINE_S, FINE_S)
    time_ns = (start_s + second) * S
    hour_ns, hour_usd, present = _history(units, shock, names, held, start_s, seed)
    price = np.empty((len(second), len(units)))
    depth = np.empty_like(price)
    recorded = []
    for u, unit in enumerate(units):
        log = np.log1p([[move] for _, move in points[unit]])[:, 0]
        at = np.array([t for t, _ in points[unit]]) + (begin_s - start_s)
        price[:, u] = hour_usd[-1, u] * np.exp(np.interp(second, at, log))
        one = held.get(unit)
        if one is not None and _covers(one, time_ns):
            price[:, u] = _recorded(one, time_ns)
            recorded.append(unit)
        away = np.abs(np.log(price[:, u] / price[0, u]))
        least = shock.liquidity.get(names[unit], NO_LIQUIDITY)
        depth[:, u] = _depth(second, begin_s - start_s, second[int(away.argmax())], least)
    kept = _steps(second, np.log(price))
    return Path(units, time_ns[kept], price[kept], depth[kept], hour_ns, hour_usd, present,
                tuple(recorded))  # fmt: skip


def _steps(second: NDArray[np.int64], log: NDArray[np.float64]) -> NDArray[np.int64]:
    kept = [0]
    for k in range(1, len(second)):
        moved = np.abs(log[min(k + 1, len(log) - 1)] - log[kept[-1]]).max()
        if (
            moved > STEP_MOVE
            or second[k] - second[kept[-1]] >= COARSE_S
            or second[k] % HOUR_S == 0
            or k == len(second) - 1
        ):
            kept.append(k)
    return np.array(kept)


def _begin_s(event: Event) -> int:
    text = event.shock.begins or event.date_utc.split("/")[0]
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = datetime(2020, 1, 1, tzinfo=UTC)  # a synthetic event has no date
    return int(instant.replace(tzinfo=instant.tzinfo or UTC).timestamp())


def _waypoints(shock: Shock, name: str) -> list[tuple[float, float]]:
    if name in shock.waypoints:
        line = [(0.0, 0.0), *shock.waypoints[name]]
        times = [t for t, _ in line]
        if sorted(set(times)) != times:
            raise ArgumentError(f"waypoints of {name}: times must rise from above 0")
        return line
    whole = float(np.log1p(shock.spot[name]))
    over_s = max(shock.horizon_s, 60.0)
    fast_s = min(shock.fast_leg_s or over_s, over_s)
    line = [(0.0, 0.0)]
    if fast_s < over_s:
        line.append((over_s - fast_s, (1 - FAST_SHARE) * whole))
    line += [(over_s, whole), (over_s + HOUR_S, (1 - REBOUND) * whole)]
    line.append((over_s + max(over_s, 2 * HOUR_S), (1 - REBOUND) * whole))
    return [(t, float(np.expm1(log))) for t, log in line]


def _depth(
    second: NDArray[np.int64], begin_s: float, bottom_s: float, least: float
) -> NDArray[np.float64]:
    """Falls in equal proportions until the bottom, then what is missing halves."""
    log = np.log(max(least, 1e-3))
    down = np.clip((second - begin_s) / max(bottom_s - begin_s, 1.0), 0.0, 1.0)
    back = np.exp2(-np.maximum(second - bottom_s, 0.0) / DEPTH_HALF_LIFE_S)
    return np.asarray(np.exp(log * down * back))


def _covers(bars: Bars, time_ns: NDArray[np.int64]) -> bool:
    begins = bars.end_ns[0] - bars.interval_ns
    return bool(begins <= time_ns[0] and bars.end_ns[-1] >= time_ns[-1])


def _recorded(bars: Bars, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Straight lines (of logarithms) from each bar's open over its extremes to its close.

    Where a bar rose, its low comes first; where it fell, its high: a third and two thirds through.
    """
    rose = bars.close >= bars.open
    first, then = np.where(rose, bars.low, bars.high), np.where(rose, bars.high, bars.low)
    begin = bars.end_ns - bars.interval_ns
    third = bars.interval_ns // 3
    at = np.stack([begin + third, begin + 2 * third, bars.end_ns], axis=1).ravel()
    log = np.log(np.stack([first, then, bars.close], axis=1)).ravel()
    at, log = np.append(begin[0], at), np.append(np.log(bars.open[0]), log)
    return np.asarray(np.exp(np.interp(time_ns.astype(np.float64), at.astype(np.float64), log)))


# The history


def _history(
    units: tuple[str, ...], shock: Shock, names: Mapping[str, str], held: Mapping[str, Bars],
    start_s: int, seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:  # fmt: skip
    end_ns = start_s * S
    closes = {u: _hourly(held[u], end_ns) for u in units if u in held}
    closes = {u: c for u, c in closes.items() if len(c[0])}
    first_ns = min((int(c[0][0]) for c in closes.values()), default=0)
    count = HISTORY_DAYS * 24
    if closes:
        count = (end_ns - first_ns) // HOUR_NS + 1
    hour_ns = end_ns - HOUR_NS * np.arange(count - 1, -1, -1, dtype=np.int64)
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    vols = [shock.vol_before.get(names[u], NO_VOL) for u in units]
    calm = _drawn(rng, count, vols[0])  # the common factor where nothing is recorded
    if closes:
        leader = next(iter(closes))
        calm = _returns(closes[leader], hour_ns, rng)
        lead_vol = shock.vol_before.get(names[leader], NO_VOL)
    else:
        lead_vol = vols[0]
    local = _local_vol(calm)
    price = np.empty((count, len(units)))
    present = np.ones((count, len(units)), dtype=np.bool_)
    for u, unit in enumerate(units):
        if unit in closes:
            move = _returns(closes[unit], hour_ns, rng)
            known = closes[unit]
            last = float(known[1][-1])
            present[: max(int((known[0][0] - hour_ns[0]) // HOUR_NS), 0), u] = False
            missing = ~np.isin(hour_ns, known[0][known[2]]) & (hour_ns <= known[0][-1])
            present[missing, u] = False
            gap = move[hour_ns > known[0][-1]].sum()
            end_usd = last * float(np.exp(gap))
        else:
            own = rng.standard_t(TAIL_FREEDOM, count) / np.sqrt(2.0) * local
            move = calm
            if u or closes:
                scale = vols[u] / lead_vol
                move = scale * (FOLLOWS * calm + np.sqrt(1 - FOLLOWS**2) * own)
            end_usd = START_USD.get(unit, 10.0)
        price[:, u] = end_usd * np.exp(np.cumsum(move) - move.sum())
    return hour_ns, price, present


def _hourly(
    bars: Bars, end_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Closes at full hours until the crash begins, and whether there was one."""
    at = (bars.end_ns % HOUR_NS == 0) & (bars.end_ns <= end_ns)
    return bars.end_ns[at], bars.close[at], bars.present[at]


def _returns(
    known: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]],
    hour_ns: NDArray[np.int64], rng: np.random.Generator,
) -> NDArray[np.float64]:  # fmt: skip
    """Log returns on the clock: 0 before the first bar, drawn from the last 30 days after it."""
    move = np.zeros(len(hour_ns))
    logs = np.diff(np.log(known[1]))
    rows = (known[0][1:] - hour_ns[0]) // HOUR_NS
    move[rows] = logs
    after = int(rows[-1]) + 1 if len(rows) else 0
    recent = logs[-720:] if len(logs) else np.zeros(1)
    move[after:] = rng.choice(recent - recent.mean(), len(move) - after)
    return move


def _drawn(rng: np.random.Generator, count: int, vol: float) -> NDArray[np.float64]:
    """Hourly returns whose volatility wanders, and ends where it stood before the crash."""
    kept = 0.5 ** (1.0 / VOL_HALF_LIFE_H)
    steps = rng.standard_normal(count) * VOL_SPREAD * np.sqrt(1 - kept**2)
    wander = np.empty(count)
    at = rng.standard_normal() * VOL_SPREAD
    for i, step in enumerate(steps.tolist()):
        at = kept * at + step
        wander[i] = at
    age = np.arange(count - 1, -1, -1)
    base = np.log(CALM * vol)
    wander += (np.log(vol) - base - wander[-1]) * kept**age
    noise = rng.standard_t(TAIL_FREEDOM, count) / np.sqrt(2.0)
    return np.asarray(np.exp(base + wander) / np.sqrt(YEAR_H) * noise)


def _local_vol(move: NDArray[np.float64], hours: int = 240) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(move**2)])
    row = np.arange(1, len(move) + 1)
    first = np.maximum(row - hours, 0)
    return np.asarray(np.sqrt((total[row] - total[first]) / (row - first)))
