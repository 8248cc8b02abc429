# SPDX-License-Identifier: Apache-2.0
"""Measure everything against everybody who is installed, and write the tables.

    make bench                              everything, about three minutes
    python benchmarks/run.py --quick        about half a minute; writes nothing
    python benchmarks/run.py --only scan    some of the cases; writes nothing

A full run writes benchmarks/results/<machine>.json and the tables between the markers in README.md
and benchmarks/README.md. Nothing is installed here: a peer that is missing is listed as missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Before any library starts its threads. MKL's wheel does not say where it is.
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
for _library in sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*")):
    os.environ.setdefault("MKL_RT", str(_library))

import argparse
import json
import platform
import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import accounts
import assets
import book
import clearing
import limits
import memory
import options
import presets
import prices
import report
import ruin
import volatility
from timing import FULL, QUICK, Case, Effort, Runner, race

from margin_core import isas, use_isa

HERE = Path(__file__).parent
N_OPTIONS, N_ACCOUNTS, N_PRESET_ACCOUNTS = 100_000, 1_000_000, 100_000
SCAN_INSTRUMENTS, HOUSE_INSTRUMENTS = 2_000, 5_000
N_SERIES, N_BARS = 1_000, 2_000
LIBRARIES = ("numpy", "scipy", "numba", "pandas", "fast-vollib", "pyvolr", "opengreeks", "QuantLib",
             "sparse_dot_mkl", "mkl")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer accounts and rounds")
    parser.add_argument("--only", metavar="WORD", action="append", help="some of the families")
    parser.add_argument("--write", action="store_true", help="write the tables in any case")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    effort = QUICK if chosen.quick else FULL
    n_accounts = N_ACCOUNTS // 5 if chosen.quick else N_ACCOUNTS

    families: dict[str, Callable[[], list[Case]]] = {
        "greeks": lambda: options.greeks(N_OPTIONS, effort),
        "implied": lambda: options.implied(N_OPTIONS, effort),
        "risk_array": lambda: book.risk_array(SCAN_INSTRUMENTS, effort),
        "scan": lambda: accounts.scan(n_accounts, SCAN_INSTRUMENTS, effort),
        "house": lambda: accounts.house(n_accounts, HOUSE_INSTRUMENTS, effort),
        "collateral": lambda: assets.collateral(n_accounts, effort),
        "ruin": lambda: ruin.ruin(n_accounts, SCAN_INSTRUMENTS, effort),
        "presets": lambda: presets.presets(N_PRESET_ACCOUNTS, SCAN_INSTRUMENTS, effort),
        "volatility": lambda: volatility.volatility(N_SERIES, N_BARS, effort),
        "clearing": lambda: clearing.clearing(effort),
        "prices": lambda: prices.prices(effort),
    }
    wanted = [name for name in families if not chosen.only or name in chosen.only]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cases: dict[str, Case] = {}
    for name in wanted:
        cases |= {case.key: case for case in families[name]()}
    options.close()

    results: dict[str, Any] = {
        "machine": machine(),
        "written": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": chosen.quick,
        "load_at_start": round(load, 1),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "cases": {key: case.as_json() for key, case in cases.items()},
    }
    if not chosen.only:
        results["copies"] = copies(n_accounts, effort)
        results["memory_mb"] = memory.measure(n_accounts)
        report.show_memory(results["memory_mb"])
        results["limits"] = limits.measure()
        if isinstance(results["limits"], dict):
            results["distances"] = limits.distances(results["limits"], cases)
            report.show_limits(results["limits"], results["distances"])
        else:
            print(f"\nlimits: {results['limits']}")
    print("\n" + report.full(results))
    if chosen.write or not (chosen.quick or chosen.only):
        to = HERE / "results" / f"{results['machine']['slug']}.json"
        to.parent.mkdir(exist_ok=True)
        to.write_text(json.dumps(rounded(results), indent=1) + "\n")
        report.replace(HERE.parent / "README.md", report.short(results))
        report.replace(HERE / "README.md", report.full(results))


def copies(n_accounts: int, effort: Effort) -> dict[str, dict[str, float]]:
    """Nanoseconds by instruction set: the compiled copies of our kernels, which all agree."""
    o = options.Options.draw(N_OPTIONS)
    cheap = options.Options.draw(N_OPTIONS, out_of_the_money=True)
    venue = book.Venue(SCAN_INSTRUMENTS)
    scan = accounts.Scan(n_accounts, SCAN_INSTRUMENTS)
    house = accounts.House(n_accounts, HOUSE_INSTRUMENTS)
    work: dict[str, tuple[str, Runner]] = {
        "greeks": ("ns/option", options.our_kernel(o, 1)),
        "implied": ("ns/option", options.our_implied(cheap, 1)),
        "risk_array": ("ns/cell", book.ours(venue, 1)),
        "scan": ("ns/account", scan.ours(scan.exact, 1)),
        "house": ("ns/account", house.ours(1)),
    }
    found: dict[str, dict[str, float]] = {}
    for name in isas():
        with use_isa(name):
            found[name] = {
                key: race(f"{key}_{name}", f"{key} on {name}", unit, runner, [], effort).ours.median
                for key, (unit, runner) in work.items()
            }
    return found


def machine() -> dict[str, Any]:
    """What the processor is called; not what the machine is."""
    info: dict[str, str] = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines():
            name, _, value = line.partition(":")
            info[name.strip()] = value.strip()
    model = info.get("model name") or platform.processor() or platform.machine()
    number = "-".join(info[k] for k in ("cpu family", "model") if k in info)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{model} {number}".lower()).strip("-")
    return {"cpu": model, "family_model": number, "slug": slug, "cpus": os.cpu_count(),
            "system": platform.system(), "best_copy": isas()[-1]}  # fmt: skip


def version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def rounded(value: Any) -> Any:
    """Four digits: more would be noise, and would change in every line of every run."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return value


if __name__ == "__main__":
    main()
