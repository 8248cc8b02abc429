# SPDX-License-Identifier: Apache-2.0
"""What a sweep needs beyond its inputs and outputs; run as a program, one way a process.

    python benchmarks/memory.py ours|scan|scipy|mkl ACCOUNTS

prints the peak of the resident memory during one sweep, less what was resident before and less the
outputs, in MB. Linux only: the peak is reset through /proc/self/clear_refs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WAYS = {"ours": "margin_core, whole house model", "scan": "margin_core, scan",
        "numba": "numba, scan", "scipy": "SciPy sparse, whole", "scipy_chunks": "SciPy sparse, chunks",
        "mkl": "MKL sparse, whole"}  # fmt: skip


def main() -> None:
    way, n = sys.argv[1], int(sys.argv[2])
    run, outputs = work(way, n)
    run(slice(0, 1_000))  # compiled, loaded and warm
    before = status_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    held = run(slice(0, n))
    peak = status_kb("VmHWM") - before
    print(f"{peak / 1024 - outputs(held) / 2**20:.2f}")


def work(way: str, n: int) -> tuple[Callable[[slice], Any], Callable[[Any], int]]:
    """The work on some of the accounts, and how many bytes it returns."""
    import numpy as np
    from accounts import CHUNK, House, Scan

    if way == "ours":
        h = House(n, 5_000)
        from margin_core._binding import _sweep

        def sweep(rows: slice) -> Any:
            count = rows.stop - rows.start
            out = {name: np.empty(count, dtype=np.int64) for name in _sweep.COLUMNS}
            _sweep.sweep(h.venue.margin.handle, h.handle, 0, count, 1, h.exposure, None, out)
            return out

        return sweep, lambda out: sum(column.nbytes for column in out.values())

    s = Scan(n, 2_000)
    if way == "scan":
        from margin_core._binding import _sweep

        def scan(rows: slice) -> Any:
            worst = np.empty(rows.stop - rows.start)
            _sweep.scan(s.exact, s.handle, 0, worst, None, 1)
            return worst

        return scan, lambda worst: int(worst.nbytes)
    if way == "numba":
        import numba_peer

        table = numba_peer.padded(s.cells)

        def jit(rows: slice) -> Any:
            worst = np.empty(rows.stop - rows.start)
            b = s.book
            numba_peer.scan(table, b.offset[: len(worst) + 1], b.instrument, b.lots, worst,
                            numba_peer.aligned(1, table.shape[1])[0])  # fmt: skip
            return worst

        return jit, lambda worst: int(worst.nbytes)

    matrix, few = s.csr, s.csr[:1_000]
    parts = s.chunks if way == "scipy_chunks" else []
    cells = np.ascontiguousarray(s.cells)
    if way == "mkl":
        from sparse_dot_mkl import dot_product_mkl as multiply
    else:

        def multiply(a: Any, b: Any) -> Any:
            return a @ b

    def product(rows: slice) -> Any:
        if rows.stop < n:
            return multiply(few, cells).min(axis=1)
        if not parts:
            return multiply(matrix, cells).min(axis=1)
        worst = np.empty(n)
        for k, part in enumerate(parts):
            worst[k * CHUNK : (k + 1) * CHUNK] = multiply(part, cells).min(axis=1)
        return worst

    return product, lambda worst: int(worst.nbytes)


def status_kb(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise OSError(f"no {name}")


def measure(n_accounts: int) -> dict[str, float | str]:
    """MB above inputs and outputs by way, or why there is no number."""
    if not Path("/proc/self/clear_refs").exists():
        return {"all": "only Linux tells the peak of a part of a process"}
    found: dict[str, float | str] = {}
    for way, name in WAYS.items():
        done = subprocess.run([sys.executable, __file__, way, str(n_accounts)], text=True,
                              capture_output=True, check=False)  # fmt: skip
        if done.returncode == 0:
            found[name] = float(done.stdout)
        else:
            last = (done.stderr.strip().splitlines() or ["it failed"])[-1]
            found[name] = last.split("/")[-1][:160]
    return found


if __name__ == "__main__":
    main()
