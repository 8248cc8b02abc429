# SPDX-License-Identifier: Apache-2.0
"""The tables of the results, for the screen and for the two README files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

START, END = "<!-- bench:start -->", "<!-- bench:end -->"

#: (case, which peers: beginnings of names, the ratio that was asked for)
ASKED: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("greeks", ("NumPy",), 5.0),
    ("greeks", ("numba",), 5.0),
    ("greeks", ("QuantLib C++",), 20.0),
    ("greeks_new", ("fast-vollib", "pyvolr", "opengreeks"), 15.0),
    ("implied", ("fast-vollib", "pyvolr", "opengreeks", "QuantLib"), 15.0),
    ("risk_array", ("numba",), 6.0),
    ("risk_array", ("NumPy",), 8.0),
    ("scan", ("numba",), 3.8),
    ("scan", ("MKL",), 5.0),
    ("scan", ("SciPy",), 7.0),
    ("house", ("numba",), 3.0),
    ("greeks_threads", ("margin_core",), 1.8),
    ("implied_threads", ("margin_core",), 1.8),
    ("risk_array_threads", ("margin_core",), 1.8),
    ("scan_threads", ("margin_core",), 1.8),
    ("house_threads", ("margin_core",), 1.8),
)
#: What the project's README shows besides.
SHOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("preset_derive_pm2", ("NumPy",)),
    ("ruin", ("NumPy",)),
    ("vol_yang_zhang", ("pandas",)),
    ("clearing_burst", ("Python",)),
)
EXACT = 1.2  # at most, exact over unrounded


def full(results: dict[str, Any]) -> str:
    """Everything that was measured, with what was asked for."""
    cases = results["cases"]
    asked = _asked(cases)
    lines = [heading(results), "",
             "| what | ours | peer | its time | ratio (least .. most) | asked | difference |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for key, case in cases.items():
        unit = case["unit"]
        ours = f"{_spread(case['ours'])} {unit}"
        what = f"{case['what']}, {case['clock']} ({case['note']})"
        if case["processors"] is not None:
            what += f"; it had {case['processors']:.2f} processors"
        if not case["peers"]:
            lines.append(f"| {what} | {ours} | | | | | |")
        for peer in sorted(case["peers"], key=lambda p: p["time"]["median"]):
            want = asked.get((key, peer["name"]), "")
            ratio = peer["ratio"]
            missed = " **missed**" if want and not _met(ratio["median"], want) else ""
            if missed and case["clock"] == "wall" and busy(results):
                missed = " (not judged: busy)"
            difference = peer["difference"]
            lines.append(
                f"| {what} | {ours} | {peer['name']} | {_spread(peer['time'])} | "
                f"{ratio['median']:.2f} ({ratio['low']:.2f} .. {ratio['high']:.2f}) | "
                f"{want}{missed} | {'' if difference is None else f'{difference:.0e}'} |"
            )
            what = ours = ""
        for name, reason in case["missing"].items():
            lines.append(f"| {what} | {ours} | {name} | not measured: {reason} | | | |")
            what = ours = ""
    lines += _copies(results) + _memory(results) + _limits(results)
    return "\n".join(lines)


def _asked(cases: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The fastest of the peers that a ratio was asked against, and that ratio."""
    found: dict[tuple[str, str], str] = {}
    for key, names, ratio in ASKED:
        peer = _fastest(cases.get(key), names)
        if peer is not None:
            found[key, peer["name"]] = f">= {ratio:g}"
    if _fastest(cases.get("scan_unrounded"), ("exact",)):
        found["scan_unrounded", "exact"] = f"<= {EXACT:g}"
    return found


def _met(ratio: float, want: str) -> bool:
    sign, number = want.split()
    return ratio >= float(number) if sign == ">=" else ratio <= float(number)


def _fastest(case: dict[str, Any] | None, names: tuple[str, ...]) -> dict[str, Any] | None:
    peers = [p for p in case["peers"] if p["name"].startswith(names)] if case else []
    best: dict[str, Any] | None = min(peers, key=lambda p: p["time"]["median"], default=None)
    return best


def short(results: dict[str, Any]) -> str:
    """What the project's README shows: the fastest peer of each sort."""
    lines = [heading(results), "", "| what | ours | peer | ratio |", "|---|---|---|---|"]
    before = ""
    for key, names in (*(asked[:2] for asked in ASKED), *SHOWN):
        case = results["cases"].get(key)
        peer = _fastest(case, names)
        if case is None or peer is None or (case["clock"] == "wall" and busy(results)):
            continue
        what = case["what"] if key != before else ""
        ours = f"{case['ours']['median']:.3g} {case['unit']}" if key != before else ""
        lines.append(f"| {what} | {ours} | {peer['name']} | {peer['ratio']['median']:.1f}x |")
        before = key
    exact = _fastest(results["cases"].get("scan_unrounded"), ("exact",))
    if exact is not None:
        lines.append(f"| exact scan over unrounded | | | {exact['ratio']['median']:.2f}x |")
    mb = results.get("memory_mb", {}).get("margin_core, whole house model")
    if isinstance(mb, float):
        mb = abs(max(mb, 0.0))
        lines.append(f"| memory of the sweep above inputs and outputs | {mb:.1f} MB | | |")
    return "\n".join(lines)


def busy(results: dict[str, Any]) -> bool:
    """Others were using the machine: two threads cannot be judged."""
    return bool(results["load_at_start"] > 0.25 * (results["machine"]["cpus"] or 1))


def heading(results: dict[str, Any]) -> str:
    m = results["machine"]
    name = m["cpu"] + (f" (family-model {m['family_model']})" if m["family_model"] else "")
    quick = " Quick run: fewer rounds and accounts." if results["quick"] else ""
    if busy(results):
        quick += (
            f" The machine was busy (load {results['load_at_start']:g}): times on two"
            " threads mean little."
        )
    return (
        f"{name}, {m['cpus']} processors, {m['best_copy']}, {results['written']}.{quick} "
        "Medians; a ratio is the peer's time over ours, taken in turns in one run."
    )


def _spread(t: dict[str, float]) -> str:
    return f"{t['median']:.3g} ({t['low']:.3g} .. {t['high']:.3g})"


def _copies(results: dict[str, Any]) -> list[str]:
    copies = results.get("copies")
    if not copies:
        return []
    keys = list(next(iter(copies.values())))
    lines = ["", "| ns by copy of the kernels | " + " | ".join(keys) + " |",
             "|---|" + "---|" * len(keys)]  # fmt: skip
    for name, values in copies.items():
        lines.append(f"| {name} | " + " | ".join(f"{values[k]:.3g}" for k in keys) + " |")
    return lines


def _memory(results: dict[str, Any]) -> list[str]:
    if "memory_mb" not in results:
        return []
    lines = ["", "| peak memory of a sweep above its inputs and outputs | MB |", "|---|---|"]
    for name, mb in results["memory_mb"].items():
        lines.append(f"| {name} | {mb if isinstance(mb, str) else f'{abs(max(mb, 0.0)):.1f}'} |")
    return lines


def _limits(results: dict[str, Any]) -> list[str]:
    limits = results.get("limits")
    if not isinstance(limits, dict):
        return []
    lines = ["", "| limit of one thread of this machine | |", "|---|---|",
             f"| multiply-adds, {8 * limits['vector_bytes']:.0f} bits | {limits['fma_gflops']:.0f} GFLOP/s |",
             f"| divisions | {limits['divisions_per_s'] / 1e9:.2f} G/s |",
             f"| 32-bit integers into doubles | {limits['conversions_per_s'] / 1e9:.1f} G/s |"]  # fmt: skip
    for level in ("l1", "l2", "l3", "dram"):
        lines.append(f"| read, {level.upper()} | {limits[f'{level}_read_gb_per_s']:.0f} GB/s |")
    lines += ["", "| kernel | floor | ours | share of the limit | by |", "|---|---|---|---|---|"]
    for d in results["distances"]:
        lines.append(f"| {d['what']} | {d['floor']:.3g} {d['unit']} | {d['ours']:.3g} "
                     f"| {100 * d['share']:.0f} % | {d['why']} |")  # fmt: skip
    return lines


def show_memory(memory: dict[str, Any]) -> None:
    print("\npeak memory above inputs and outputs, MB")
    for name, mb in memory.items():
        print(f"  {name:34} {mb}")


def show_limits(limits: dict[str, float], distances: list[dict[str, Any]]) -> None:
    print("\nlimits of one thread")
    for name, value in limits.items():
        print(f"  {name:34} {value:g}")
    for d in distances:
        print(f"  {d['what']}: {d['ours']:.2f} {d['unit']}, floor {d['floor']:.2f}: "
              f"{100 * d['share']:.0f} % ({d['why']})")  # fmt: skip


def replace(file: Path, table: str) -> None:
    """Put the table between the file's markers, and the markers at its end where it has none."""
    text = file.read_text() if file.exists() else ""
    if START not in text or END not in text:
        text = f"{text.rstrip()}\n\n## Speed\n\n{START}\n{END}\n".lstrip()
    head, rest = text.split(START, 1)
    tail = rest.split(END, 1)[1]
    file.write_text(f"{head}{START}\n{table}\n{END}{tail}")
