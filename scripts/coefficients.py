# SPDX-License-Identifier: Apache-2.0
"""Regenerate the polynomial and rational coefficients of kernels/fmath.h and kernels/black76.h.

    python scripts/coefficients.py            print the C tables and their errors
    python scripts/coefficients.py --check    fail unless the headers hold exactly these numbers

Needs mpmath. Every table is minimax in relative error (Remez exchange on a dense grid, 60
digits), then rounded to double; the error printed is measured after rounding.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 60
KERNELS = pathlib.Path(__file__).parent.parent / "src" / "margin_core" / "kernels"
GRID = 3000
Function = Callable[[mp.mpf], mp.mpf]


def grid(low: float, high: float, middle: float | None) -> list[mp.mpf]:
    """Chebyshev-spaced points; with `middle`, in z = (x - middle) / (x + middle)."""
    unit = [(1 - mp.cos(mp.pi * i / GRID)) / 2 for i in range(GRID + 1)]
    if middle is None:
        return [low + (high - low) * u for u in unit]
    top = (mp.mpf(high) - middle) / (mp.mpf(high) + middle)
    z = [-1 + (top + 1) * u for u in unit]
    return [middle * (1 + v) / (1 - v) for v in z]


def evaluate(coefficients: list[mp.mpf], x: mp.mpf) -> mp.mpf:
    return mp.polyval(coefficients[::-1], x)


def remez(f: Function, points: list[mp.mpf], m: int, n: int, p0: mp.mpf | None = None):
    """P of degree m over Q of degree n, q0 = 1, with the smallest largest relative error.

    With `p0` the constant of P is fixed (f(0) = p0 exactly) and the error vanishes at 0.
    """
    first = 0 if p0 is None else 1
    n_points = (m + 1 - first) + n + 1
    values = [f(x) for x in points]
    reference = [
        round((i + (first * 0.5)) * GRID / (n_points - 1 + first * 0.5)) for i in range(n_points)
    ]
    q: list[mp.mpf] | None = None
    level = mp.mpf(0)
    for _ in range(60):
        for _ in range(8):
            a, b = mp.matrix(n_points, n_points), mp.matrix(n_points, 1)
            for i, k in enumerate(reference):
                x, value = points[k], values[k]
                weight = evaluate(q, x) if q else (1 + x / 2) ** n
                for j in range(first, m + 1):
                    a[i, j - first] = x**j / value / weight
                for j in range(1, n + 1):
                    a[i, m - first + j] = -(x**j) / weight
                a[i, n_points - 1] = -((-1) ** i)
                b[i] = (1 - (p0 / value if first else 0)) / weight
            s = mp.lu_solve(a, b)
            p = ([p0] if first else []) + [s[j] for j in range(m + 1 - first)]
            q = [mp.mpf(1)] + [s[m - first + j] for j in range(1, n + 1)]
            moved = abs(s[n_points - 1] - level)
            level = s[n_points - 1]
            if n == 0 or moved < abs(level) * mp.mpf(10) ** -6:
                break
        error = [
            evaluate(p, x) / evaluate(q, x) / v - 1 for x, v in zip(points, values, strict=True)
        ]
        extrema = []
        i = 0
        while i < len(error):
            best = j = i
            while j < len(error) and mp.sign(error[j]) == mp.sign(error[i]):
                best = j if abs(error[j]) > abs(error[best]) else best
                j += 1
            if error[i] != 0:
                extrema.append(best)
            i = j
        while len(extrema) > n_points:
            extrema.pop(0 if abs(error[extrema[0]]) < abs(error[extrema[-1]]) else -1)
        if len(extrema) < n_points:
            raise ArithmeticError("the exchange lost its reference")
        reference = extrema
        if max(map(abs, error)) < abs(level) * mp.mpf("1.02"):
            return p, q
    raise ArithmeticError("no convergence")


def mills(x: mp.mpf) -> mp.mpf:
    """Phi(-x) exp(x^2 / 2): the Mills ratio over sqrt(2 pi)."""
    return mp.erfc(x / mp.sqrt(2)) * mp.exp(x * x / 2) / 2


def exp_tail(r: mp.mpf) -> mp.mpf:
    """(e^r - 1 - r) / r^2, without its cancellation."""
    return mp.hyp1f1(1, 3, r) / 2


def log_tail(z: mp.mpf) -> mp.mpf:
    """(2 atanh(s) - 2 s) / s^3 at z = s^2, without its cancellation."""
    return mp.hyp2f1(1, 1.5, 2.5, z) * 2 / 3


def tables() -> dict[str, tuple[list[float], float]]:
    """Name -> (coefficients, constant first; largest relative error after rounding)."""
    half_ln2 = mp.log(2) / 2 * mp.mpf("1.0001")
    s_max = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * mp.mpf("1.0001")
    found = {}
    for name, f, points, m, n, p0 in [
        ("exp", exp_tail, grid(-half_ln2, half_ln2, None), 9, 0, None),
        ("log", log_tail, grid(mp.mpf(0), s_max**2, None), 6, 0, None),
        ("mills", mills, grid(0, 70, 2.0), 9, 10, mp.mpf("0.5")),
    ]:
        p, q = remez(f, points, m, n, p0)
        p, q = [float(c) for c in p], [float(c) for c in q]
        error = max(
            abs(
                evaluate([mp.mpf(c) for c in p], x) / evaluate([mp.mpf(c) for c in q], x) / f(x) - 1
            )
            for x in points
        )
        found[name + "_p"] = p, float(error)
        if n:
            found[name + "_q"] = q, float(error)
    return found


def main() -> int:
    text = "".join(path.read_text() for path in sorted(KERNELS.glob("*.h")))
    missing = 0
    for name, (coefficients, error) in tables().items():
        print(f"{name}: relative error {error:.2g}")
        for c in coefficients:
            absent = f"{c!r}" not in text
            missing += absent
            print(f"    {c!r}," + ("   not in the headers" if absent else ""))
    return 1 if missing and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
