# SPDX-License-Identifier: Apache-2.0
"""Greeks and implied volatilities of a market's options, ours and every peer's.

The real work: a chain repriced on each tick (price, delta, gamma, vega, theta, in columns), and
its quotes turned into volatilities. All get the same 100,000 options: strikes within +-60 % of
the forward in log, a week to two years, volatilities of 20 to 120 %, rates of 0 to 5 %. Peers that
take a rate get the rate, peers that take a discount get the discount; NumPy and numba get both.
Flags, pandas frames and other units are prepared or undone outside the clock.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from timing import WALL, Case, Effort, Runner, race

import margin_core as mc
from margin_core._binding import _pricing

COLUMNS = ("price", "delta", "gamma", "vega", "theta")
HERE = Path(__file__).parent
SLOW_ROWS = 5_000  # for peers that take one option a call


@dataclass(frozen=True)
class Options:
    forward: np.ndarray
    strike: np.ndarray
    years: np.ndarray
    vol: np.ndarray
    rate: np.ndarray
    is_call: np.ndarray

    @classmethod
    def draw(cls, n: int, *, seed: int = 1, out_of_the_money: bool = False) -> Options:
        rng = np.random.Generator(np.random.PCG64(seed))
        forward = rng.uniform(50.0, 150.0, n)
        strike = forward * np.exp(rng.uniform(-0.6, 0.6, n))
        is_call = forward <= strike if out_of_the_money else rng.random(n) < 0.5
        return cls(
            forward, strike, rng.uniform(0.02, 2.0, n), rng.uniform(0.2, 1.2, n),
            rng.uniform(0.0, 0.05, n), is_call,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.forward)

    def take(self, rows: Any) -> Options:
        return Options(self.forward[rows], self.strike[rows], self.years[rows], self.vol[rows],
                       self.rate[rows], self.is_call[rows])  # fmt: skip

    @cached_property
    def discount(self) -> np.ndarray:
        return np.exp(-self.rate * self.years)

    @cached_property
    def sign(self) -> np.ndarray:
        return np.where(self.is_call, 1.0, -1.0)

    @cached_property
    def flag(self) -> np.ndarray:
        return np.where(self.is_call, "c", "p")

    @cached_property
    def price(self) -> np.ndarray:
        return mc.black76(self.forward, self.strike, self.years, self.vol, self.is_call,
                          self.discount, greeks=["price"]).price  # fmt: skip


# Greeks


def greeks(n: int, effort: Effort) -> list[Case]:
    o, big = Options.draw(n), Options.draw(5 * n)
    what, size = "price and four Greeks", f"{n:,} options, 1 thread"
    return [
        race("greeks", f"{what}, into arrays that are there", "ns/option", our_kernel(o, 1),
             [("NumPy + SciPy", lambda: numpy_greeks(o)), ("numba", lambda: numba_greeks(o)),
              ("QuantLib C++", lambda: quantlib_cpp(o, "greeks"))], effort, note=size),
        race("greeks_new", f"{what}, into new arrays", "ns/option", our_greeks(o, 1),
             [("fast-vollib (numba)", lambda: fast_vollib_greeks(o, "numba")),
              ("fast-vollib (numpy)", lambda: fast_vollib_greeks(o, "numpy")),
              ("pyvolr", lambda: pyvolr_greeks(o)), ("opengreeks", lambda: opengreeks_greeks(o)),
              ("QuantLib-Python", lambda: quantlib_greeks(o))], effort, note=size),
        race("greeks_threads", f"{what} on two threads", "ns/option", our_kernel(big, 2),
             [("margin_core, 1 thread", lambda: our_kernel(big, 1))], effort, clock=WALL,
             note=f"{5 * n:,} options"),
    ]  # fmt: skip


def our_kernel(o: Options, threads: int) -> Runner:
    """The binding's call, with the outputs given, as the peers that write into arrays have it."""
    out = dict(zip(COLUMNS, np.empty((len(COLUMNS), len(o))), strict=True))
    is_call, discount = o.is_call.astype(np.uint8), o.discount

    def run() -> None:
        _pricing.price(False, len(o), forward=o.forward, strike=o.strike, years=o.years, vol=o.vol,
                       discount=discount, is_call=is_call, out=out, threads=threads)  # fmt: skip

    def result() -> dict[str, Any]:
        run()
        return {name: column.copy() for name, column in out.items()}

    return Runner(f"margin_core, {threads} thread", run, len(o), result)


def our_greeks(o: Options, threads: int) -> Runner:
    def run() -> Any:
        return mc.black76(o.forward, o.strike, o.years, o.vol, o.is_call, o.discount,
                          greeks=COLUMNS, threads=threads)  # fmt: skip

    def result() -> dict[str, Any]:
        values = run()
        return {name: getattr(values, name) for name in COLUMNS}

    return Runner(f"margin_core, {threads} thread", run, len(o), result)


def numpy_greeks(o: Options) -> Runner:
    """In chunks that stay in L2, in place: about a quarter faster than whole columns."""
    from scipy.special import ndtr

    chunk = 2048
    out = np.empty((len(COLUMNS), len(o)))
    root = np.sqrt(2.0 * np.pi)

    def run() -> None:
        for first in range(0, len(o), chunk):
            rows = slice(first, first + chunk)
            f, k, t, vol = o.forward[rows], o.strike[rows], o.years[rows], o.vol[rows]
            discount, rate, sign = o.discount[rows], o.rate[rows], o.sign[rows]
            price, delta, gamma, vega, theta = out[:, rows]
            root_t = np.sqrt(t)
            s = vol * root_t
            d1 = np.log(f / k)
            d1 /= s
            d1 += 0.5 * s
            d2 = d1 - s
            density = np.exp(-0.5 * d1 * d1)
            density *= discount
            density /= root
            np.multiply(sign, ndtr(np.multiply(sign, d1)), out=delta)
            delta *= discount
            np.multiply(f, delta, out=price)
            d2 *= sign
            price -= (discount * k) * sign * ndtr(d2)
            np.divide(density, f * s, out=gamma)
            density *= f
            np.multiply(density, root_t, out=vega)
            np.multiply(rate, price, out=theta)
            theta -= vega * vol / (2.0 * t)
            theta /= 365.0

    return _columns("NumPy + SciPy", run, out, 1e-11)


def numba_greeks(o: Options) -> Runner:
    import numba_peer

    out = np.empty((len(COLUMNS), len(o)))

    def run() -> None:
        numba_peer.greeks(o.forward, o.strike, o.years, o.vol, o.discount, o.rate, o.sign, *out)

    return _columns("numba", run, out, 1e-11)


def _columns(name: str, run: Any, out: np.ndarray, tolerance: float) -> Runner:
    def result() -> dict[str, Any]:
        run()
        return dict(zip(COLUMNS, out, strict=True))

    return Runner(name, run, out.shape[1], result, tolerance)


def fast_vollib_greeks(o: Options, backend: str) -> Runner:
    import fast_vollib

    def run() -> Any:
        price = fast_vollib.fast_black(o.flag, o.forward, o.strike, o.years, o.rate, o.vol,
                                       return_as="numpy", backend=backend)  # fmt: skip
        rest = fast_vollib.get_all_greeks(
            o.flag, o.forward, o.strike, o.years, o.rate, o.vol, model="black", return_as="dict",
            backend=backend,
        )  # fmt: skip
        return price, rest

    def result() -> dict[str, Any]:
        price, rest = run()
        return {"price": price, "delta": rest["delta"], "gamma": rest["gamma"],
                "vega": 100.0 * np.asarray(rest["vega"]), "theta": rest["theta"]}  # fmt: skip

    return Runner(f"fast-vollib ({backend})", run, len(o), result, 1e-9)


def pyvolr_greeks(o: Options) -> Runner:
    from pyvolr import black76

    side = o.sign.astype(np.int8)

    def run() -> Any:
        return (black76.price(side, o.forward, o.strike, o.years, o.rate, o.vol),
                black76.greeks(side, o.forward, o.strike, o.years, o.rate, o.vol))  # fmt: skip

    def result() -> dict[str, Any]:
        price, rest = run()
        return {"price": price, "delta": rest["delta"], "gamma": rest["gamma"],
                "vega": rest["vega"], "theta": rest["theta"] / 365.0}  # fmt: skip

    return Runner("pyvolr", run, len(o), result, 1e-9)


def opengreeks_greeks(o: Options) -> Runner:
    """It takes one flag and one rate a call: calls and puts apart, and its best case, a rate of 0.

    The check is against our own values at that rate.
    """
    black76 = opengreeks_black76()
    sides = [("c", o.take(o.is_call)), ("p", o.take(~o.is_call))]
    functions = [getattr(black76, f"{name}_array") for name in ("black", *COLUMNS[1:])]

    def run() -> Any:
        return [[f(flag, s.forward, s.strike, s.years, 0.0, s.vol) for f in functions]
                for flag, s in sides]  # fmt: skip

    for (_, side), values in zip(sides, run(), strict=True):
        mine = mc.black76(side.forward, side.strike, side.years, side.vol, side.is_call)
        for name, value, unit in zip(COLUMNS, values, (1, 1, 1, 100, 1), strict=True):
            np.testing.assert_allclose(unit * np.asarray(value), getattr(mine, name), atol=1e-7)
    return Runner("opengreeks (rate 0)", run, len(o))


def opengreeks_black76() -> Any:
    try:
        return importlib.import_module("opengreeks.black76")
    except ImportError as error:
        if sys.version_info < (3, 12) and "undefined symbol" in str(error):
            raise ImportError("its wheel needs Python 3.12") from None
        raise


def quantlib_greeks(o: Options) -> Runner:
    import QuantLib as ql

    n = min(SLOW_ROWS, len(o))
    part = o.take(slice(0, n))
    side = np.where(part.is_call, ql.Option.Call, ql.Option.Put).tolist()
    deviation = (part.vol * np.sqrt(part.years)).tolist()
    rows = list(zip(side, part.strike.tolist(), part.forward.tolist(), deviation,
                    part.discount.tolist(), part.years.tolist(), strict=True))  # fmt: skip

    def run() -> list[tuple[float, ...]]:
        values = []
        for option, k, f, s, discount, t in rows:
            c = ql.BlackCalculator(ql.PlainVanillaPayoff(option, k), f, s, discount)
            values.append(
                (c.value(), c.deltaForward(), c.gammaForward(), c.vega(t), c.thetaPerDay(f, t))
            )
        return values

    def result() -> dict[str, Any]:
        return dict(zip(COLUMNS, np.array(run()).T, strict=True))

    return Runner("QuantLib-Python", run, n, result, 1e-9)


# QuantLib C++, in a process of its own

_programs: dict[int, Any] = {}


def quantlib_cpp(o: Options, work: str) -> Runner:
    """`work` is greeks, implied or lirs; see c/quantlib.cpp."""
    folder = HERE.parent / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "quantlib"
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise RuntimeError("no C++ compiler")
    built = subprocess.run(
        [compiler, "-O3", "-march=native", str(HERE / "c" / "quantlib.cpp"), "-lQuantLib", "-o",
         str(program)], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode != 0:
        missing = "ql/option.hpp" in built.stderr or "lQuantLib" in built.stderr
        raise RuntimeError(
            "its development files are not installed" if missing else built.stderr[-150:]
        )
    inputs, outputs = folder / f"{work}.in", folder / f"{work}.out"
    np.stack([o.forward, o.strike, o.years, o.vol, o.discount, o.is_call, o.price]).tofile(inputs)
    process = subprocess.Popen(
        [str(program), str(inputs), str(outputs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    _programs[process.pid] = process

    def ask(line: str) -> float:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"it ended with {process.wait()}")
        return float(answer)

    def result() -> dict[str, Any]:
        ask(work)
        ask("write")
        columns = np.fromfile(outputs).reshape(len(COLUMNS), len(o))
        return dict(zip(COLUMNS, columns, strict=True)) if work == "greeks" else {"vol": columns[0]}

    names = {"greeks": "BlackCalculator", "implied": "ImpliedStdDev", "lirs": "LiRS"}
    return Runner(f"QuantLib C++ ({names[work]})", lambda: ask(work), len(o), result,
                  1e-9 if work == "greeks" else 1e-8, seconds=lambda: ask(work))  # fmt: skip


# Implied volatility


def implied(n: int, effort: Effort) -> list[Case]:
    every = Options.draw(2 * n, seed=2, out_of_the_money=True)
    # The peers give up on prices of next to nothing; ours goes on to 1e-300.
    o = every.take(np.flatnonzero(every.price > 1e-8 * every.forward)[:n])
    return [
        race("implied", "implied volatility, Black-76", "ns/option", our_implied(o, 1),
             [("pyvolr", lambda: pyvolr_implied(o)),
              ("opengreeks", lambda: opengreeks_implied(o)),
              ("fast-vollib (numba)", lambda: fast_vollib_implied(o, "numba")),
              ("fast-vollib (numpy)", lambda: fast_vollib_implied(o, "numpy")),
              ("QuantLib C++ (LiRS)", lambda: quantlib_cpp(o, "lirs")),
              ("QuantLib C++ (ImpliedStdDev)", lambda: quantlib_cpp(o, "implied")),
              ("QuantLib-Python (LiRS)", lambda: quantlib_implied(o, "LiRS")),
              ("QuantLib-Python (ImpliedStdDev)", lambda: quantlib_implied(o, ""))],
             effort, note=f"{len(o):,} out-of-the-money prices above 1e-8 F, 1 thread"),
        race("implied_threads", "implied volatility on two threads", "ns/option",
             our_implied(o, 2), [("margin_core, 1 thread", lambda: our_implied(o, 1))],
             effort, clock=WALL, note=f"{len(o):,} options"),
    ]  # fmt: skip


def our_implied(o: Options, threads: int) -> Runner:
    price, discount = o.price, o.discount

    def run() -> Any:
        return mc.implied_vol(price, o.forward, o.strike, o.years, o.is_call, discount,
                              threads=threads)  # fmt: skip

    return Runner(f"margin_core, {threads} thread", run, len(o), lambda: {"vol": run()})


def pyvolr_implied(o: Options) -> Runner:
    from pyvolr import black76

    side, price = o.sign.astype(np.int8), o.price

    def run() -> Any:
        return black76.implied_vol(price, side, o.forward, o.strike, o.years, o.rate)

    return Runner("pyvolr", run, len(o), lambda: {"vol": run()}, 1e-8)


def opengreeks_implied(o: Options) -> Runner:
    black76 = opengreeks_black76()
    undiscounted = o.price / o.discount
    sides = [(flag, o.take(mask), undiscounted[mask])
             for flag, mask in (("c", o.is_call), ("p", ~o.is_call))]  # fmt: skip

    def run() -> Any:
        return [black76.implied_volatility_array(price, s.forward, s.strike, 0.0, s.years, flag)
                for flag, s, price in sides]  # fmt: skip

    for (_, side, _), values in zip(sides, run(), strict=True):
        np.testing.assert_allclose(values, side.vol, atol=1e-8)
    return Runner("opengreeks (rate 0)", run, len(o))


def fast_vollib_implied(o: Options, backend: str) -> Runner:
    import fast_vollib

    price = o.price

    def run() -> Any:
        return fast_vollib.fast_implied_volatility_black(
            price, o.forward, o.strike, o.rate, o.years, o.flag, return_as="numpy",
            backend=backend,
        )  # fmt: skip

    # Its worst row of 100,000 is off by 4e-3, though 99 % are within 1e-8.
    return Runner(f"fast-vollib ({backend})", run, len(o), lambda: {"vol": run()}, 1e-2)


def quantlib_implied(o: Options, suffix: str) -> Runner:
    import QuantLib as ql

    n = min(SLOW_ROWS, len(o))
    part = o.take(slice(0, n))
    side = np.where(part.is_call, ql.Option.Call, ql.Option.Put).tolist()
    rows = list(zip(side, part.strike.tolist(), part.forward.tolist(), o.price[:n].tolist(),
                    part.discount.tolist(), strict=True))  # fmt: skip
    guess = ql.nullDouble()
    solve = getattr(ql, f"blackFormulaImpliedStdDev{suffix}")
    more = (1.0, 1e-10) if suffix else (1e-10,)

    def run() -> list[float]:
        return [solve(option, k, f, price, discount, 0.0, guess, *more)
                for option, k, f, price, discount in rows]  # fmt: skip

    def result() -> dict[str, Any]:
        return {"vol": np.array(run()) / np.sqrt(part.years)}

    return Runner(f"QuantLib-Python ({suffix or 'ImpliedStdDev'})", run, n, result, 1e-8)


def close() -> None:
    """End the processes that were started here."""
    for process in _programs.values():
        process.stdin.close()
        process.wait()
    _programs.clear()
