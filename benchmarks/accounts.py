# SPDX-License-Identifier: Apache-2.0
"""The sweep over every account: the scan alone, and the whole house model.

The scan is the part that others can do too: lots times risk array, and the worst of 33 scenarios,
which is a sparse matrix times a dense one and a minimum. The house model is one walk over each
account's positions and can only be compared with the same walk written for numba.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from book import POSITIONS, Book, Venue
from timing import WALL, Case, Effort, Runner, race

from margin_core._binding import _sweep
from margin_core.instruments import Kind
from margin_core.reference.margin import impact

CHUNK = 8192  # accounts a product; 4,096 to 16,384 are the best for SciPy and for MKL


class Scan:
    """The same book and the same cells for everybody."""

    def __init__(self, n_accounts: int, n_instruments: int) -> None:
        self.venue = Venue(n_instruments)
        self.book = Book.draw(n_accounts, len(self.venue.market))
        self.handle = self.book.handle(len(self.venue.market))
        self.exact = self.venue.risk.handle
        self.cells = self.venue.risk.cells

    def __len__(self) -> int:
        return len(self.book)

    @cached_property
    def unrounded(self) -> Any:
        return self.venue.price(1, 0.0)

    @cached_property
    def csr(self) -> Any:
        from scipy.sparse import csr_matrix

        b = self.book
        shape = (len(b), len(self.cells))
        return csr_matrix((b.lots, b.instrument, b.offset.astype(np.int32)), shape=shape)

    @cached_property
    def chunks(self) -> list[Any]:
        """Slices of the matrix, made outside the clock."""
        return [self.csr[i : i + CHUNK] for i in range(0, len(self), CHUNK)]

    def ours(self, risk: Any, threads: int) -> Runner:
        worst = np.empty(len(self))

        def run() -> None:
            _sweep.scan(risk, self.handle, 0, worst, None, threads)

        return self.runner(f"margin_core, {threads} thread", run, worst)

    def runner(self, name: str, run: Callable[[], Any], worst: np.ndarray) -> Runner:
        def result() -> dict[str, np.ndarray]:
            run()
            return {"worst": worst.copy()}

        return Runner(name, run, len(self), result, 0.0)

    def numba(self, threads: int = 1) -> Runner:
        import numba
        import numba_peer

        table, worst = numba_peer.padded(self.cells), np.empty(len(self))
        b = self.book
        if threads == 1:
            buffer = numba_peer.aligned(1, table.shape[1])[0]
            return self.runner(
                "numba",
                lambda: numba_peer.scan(table, b.offset, b.instrument, b.lots, worst, buffer),
                worst,
            )
        buffers = numba_peer.aligned(8 * threads, table.shape[1] + 8)

        def run() -> None:
            numba.set_num_threads(threads)
            numba_peer.scan_parallel(table, b.offset, b.instrument, b.lots, worst, buffers)

        return self.runner(f"numba prange, {threads} threads", run, worst)

    def scipy(self, chunked: bool) -> Runner:
        cells, worst = np.ascontiguousarray(self.cells), np.empty(len(self))
        parts = self.chunks if chunked else [self.csr]

        least = least_by_column if chunked else least_by_row

        def run() -> None:
            first = 0
            for part in parts:
                pnl = part @ cells
                least(pnl, worst[first : first + len(pnl)])
                first += len(pnl)

        return self.runner(f"SciPy sparse, {'chunks' if chunked else 'whole'}", run, worst)

    def mkl(self, chunked: bool, threads: int = 1) -> Runner:
        from sparse_dot_mkl import dot_product_mkl, mkl_set_num_threads

        cells, worst = np.ascontiguousarray(self.cells), np.empty(len(self))
        parts = self.chunks if chunked else [self.csr]

        least = least_by_column if chunked else least_by_row

        def run() -> None:
            mkl_set_num_threads(threads)
            first = 0
            for part in parts:
                pnl = dot_product_mkl(part, cells)
                least(pnl, worst[first : first + len(pnl)])
                first += len(pnl)

        name = f"MKL sparse, {'chunks' if chunked else 'whole'}"
        return self.runner(name + (f", {threads} threads" if threads > 1 else ""), run, worst)


def least_by_row(pnl: np.ndarray, out: np.ndarray) -> None:
    np.min(pnl, axis=1, out=out)


def least_by_column(pnl: np.ndarray, out: np.ndarray) -> None:
    """Quicker than `np.min(axis=1)` on short rows that are in the cache."""
    np.copyto(out, pnl[:, 0])
    for z in range(1, pnl.shape[1]):
        np.minimum(out, pnl[:, z], out=out)


def scan(n_accounts: int, n_instruments: int, effort: Effort) -> list[Case]:
    s = Scan(n_accounts, n_instruments)
    n, n_scenarios = s.cells.shape
    size = f"{n_accounts:,} accounts x {POSITIONS}, {n:,} instruments x {n_scenarios}"
    exact = s.ours(s.exact, 1)
    return [
        race("scan", "scan of every account", "ns/account", exact,
             [("numba", s.numba), ("SciPy sparse, chunks", lambda: s.scipy(True)),
              ("SciPy sparse, whole", lambda: s.scipy(False)),
              ("MKL sparse, chunks", lambda: s.mkl(True)),
              ("MKL sparse, whole", lambda: s.mkl(False))],
             effort, note=f"{size}, 1 thread"),
        # What exactness costs: the bound that is checked, and nothing in the arithmetic.
        race("scan_unrounded", "unrounded scan, and what exactness costs", "ns/account",
             Runner("", s.ours(s.unrounded, 1).run, len(s)),
             [("exact", lambda: Runner("exact", exact.run, len(s)))], effort, note=size),
        race("scan_threads", "scan on two threads", "ns/account", s.ours(s.exact, 2),
             [("margin_core, 1 thread", lambda: s.ours(s.exact, 1)),
              ("numba prange, 2 threads", lambda: s.numba(2)),
              ("MKL sparse, chunks, 2 threads", lambda: s.mkl(True, 2)),
              ("MKL sparse, whole, 2 threads", lambda: s.mkl(False, 2))],
             effort, clock=WALL, note=size),
    ]  # fmt: skip


# The whole house model


class House:
    """One walk per account: equity, scans of units and groups, every charge, IM, MM, status."""

    def __init__(self, n_accounts: int, n_instruments: int) -> None:
        self.venue = Venue(n_instruments)
        self.book = Book.draw(n_accounts, len(self.venue.market), seed=4)
        self.handle = self.book.handle(len(self.venue.market))
        margin = self.venue.margin
        self.exposure = np.empty(2 * len(margin.units), dtype=np.int64)
        _sweep.exposure(margin.handle, self.handle, 1, self.exposure, None)

    def outputs(self) -> dict[str, np.ndarray]:
        n = len(self.book)
        out: dict[str, np.ndarray] = {name: np.zeros(n, dtype=np.int64) for name in _sweep.COLUMNS}
        out["status"] = np.empty(n, dtype=np.uint8)
        out["joint_scenario"] = np.empty(n * len(self.venue.margin.groups), dtype=np.int32)
        return out

    def ours(self, threads: int) -> Runner:
        out, n = self.outputs(), len(self.book)

        def run() -> None:
            _sweep.sweep(self.venue.margin.handle, self.handle, 0, n, threads, self.exposure, None,
                         out)  # fmt: skip

        def result() -> dict[str, np.ndarray]:
            run()
            return {name: column.copy() for name, column in out.items()}

        return Runner(f"margin_core, {threads} thread", run, n, result, 0.0)

    def numba(self) -> Runner:
        import numba_peer

        margin, out, b = self.venue.margin, self.outputs(), self.book
        numbering, instruments = margin.risk.numbering, margin.instruments
        table = numba_peer.padded(margin.risk.cells)
        n_units, n_groups = len(margin.units), len(margin.groups)
        units = [margin.model.unit(name) for name in margin.units]
        groups = [margin.groups.index(unit.group) for unit in units]
        lambdas = [group.lambda_k for group in margin.model.groups.values()]
        option = instruments.kind >= Kind.CALL
        key = np.stack([numbering.term, instruments.strike, np.where(option, 0, instruments.kind)])
        pair = np.cumsum(np.concatenate([[0], (key[:, 1:] != key[:, :-1]).any(axis=0)]))
        nodes, node_rates = np.zeros((2, n_units, 11), dtype=np.int64)
        market_rate = np.zeros((n_units, 2), dtype=np.int64)
        quantum = margin.quantum_usd
        for u, unit in enumerate(units):
            if unit.depth_usd:
                steps = 2.0 ** np.arange(-6, 5)
                nodes[u] = np.rint(unit.depth_usd / quantum / 2**20 * steps)
                node_rates[u] = np.minimum(2**20, np.rint(2**20 * unit.impact_frac * steps**0.5))
            for side in (0, 1):
                market_rate[u, side] = impact(int(self.exposure[2 * u + side]),
                                              unit.market_depth_usd, unit.market_impact_frac,
                                              quantum)  # fmt: skip
        rates = np.array([numba_rates(margin.handle.rates(i)) for i in range(len(instruments))])
        columns = [out[name] for name in (
            "equity", "im", "mm", "status", "core", "short_option_mm", "short_option_im", "roll",
            "vega", "concentration", "oracle", "closing", "rounding")]  # fmt: skip
        worst = out["joint_scenario"].reshape(-1, n_groups)
        lanes = numba_peer.aligned(2, table.shape[1])

        def run() -> None:
            numba_peer.house(
                table, rates, numbering.unit, numbering.term, pair,
                np.array(groups), np.array(lambdas), margin.model.factors.mm_k,
                margin.model.factors.im_k, nodes, node_rates, market_rate, b.offset, b.instrument,
                b.lots, b.cash, *columns, worst, lanes[0], lanes[1],
            )  # fmt: skip

        def result() -> dict[str, np.ndarray]:
            run()
            return {name: column.copy() for name, column in out.items()}

        return Runner("numba", run, len(b), result, 0.0)


def numba_rates(r: dict[str, Any]) -> list[float]:
    """A row in the order that numba_peer.house reads."""
    return [r["mark"], r["closing"], r["oracle"], r["notional"], r["side"], r["roll"],
            r["short_option_mm"], r["short_option_im"], *r["vega"], 0.0][:13]  # fmt: skip


def house(n_accounts: int, n_instruments: int, effort: Effort) -> list[Case]:
    h = House(n_accounts, n_instruments)
    size = f"{n_accounts:,} accounts x {POSITIONS}, {len(h.venue.market):,} instruments x 33"
    return [
        race("house", "whole house model", "ns/account", h.ours(1), [("numba", h.numba)], effort,
             note=f"{size}, 1 thread"),
        race("house_threads", "whole house model on two threads", "ns/account", h.ours(2),
             [("margin_core, 1 thread", lambda: h.ours(1))], effort, clock=WALL, note=size),
    ]  # fmt: skip
