# SPDX-License-Identifier: Apache-2.0
"""The machine's measured limits, and how far from them our kernels are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from timing import Case

HERE = Path(__file__).parent

#: Arithmetic vector instructions for as many options as a vector holds, with four Greeks but
#: without the series for short terms: counted in the disassembly of black76_kernel.c's avx512 copy.
BLACK76_INSTRUCTIONS = 324
#: Divisions and roots for one such option.
BLACK76_DIVISIONS = 8


def measure() -> dict[str, float] | str:
    """The lines of c/limits.c, or why there are none."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return "no C compiler"
    folder = HERE.parent / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "limits"
    for native in (["-march=native"], ["-mcpu=native"], []):
        built = subprocess.run(
            [compiler, "-O3", *native, str(HERE / "c" / "limits.c"), "-o", str(program)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if built.returncode == 0:
            break
    else:
        return "c/limits.c does not compile here"
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"it ended with {done.returncode}"
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def distances(limits: dict[str, float], cases: dict[str, Case]) -> list[dict[str, Any]]:
    """Our time against the least that the limits allow, kernel by kernel."""
    found = []

    def add(what: str, case: str, floor_ns: float, why: str) -> None:
        if case in cases:
            ours = cases[case].ours.median
            found.append({"what": what, "floor": floor_ns, "ours": ours,
                          "share": floor_ns / ours, "why": why, "unit": cases[case].unit})  # fmt: skip

    cells = 10 * 32  # positions x scenarios but the base
    book_bytes = 10 * 12 + 16  # positions and an account's own
    convert = cells / limits["conversions_per_s"] * 1e9
    table = cells * 4 / limits["l2_read_gb_per_s"]
    stream = book_bytes / limits["dram_read_gb_per_s"]
    add("scan", "scan", max(convert, table, stream), "32-bit cells turned into doubles")
    add("scan, its reads alone", "scan", table + stream,
        "rows from L2, then the book from DRAM")  # fmt: skip
    issue = BLACK76_INSTRUCTIONS / (limits["vector_bytes"] / 8) / limits["fma_per_s"] * 1e9
    divide = BLACK76_DIVISIONS / limits["divisions_per_s"] * 1e9
    add("price and four Greeks", "greeks", max(issue, divide),
        f"{BLACK76_INSTRUCTIONS} vector instructions at the rate of multiply-adds")  # fmt: skip
    return found
