# SPDX-License-Identifier: Apache-2.0
"""The two implementations behind one interface, so that a property is written once.

`prepare` prices a world with the engine's own risk array and returns its cells and rates as plain
integers; the rest takes those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from margin_core.margin import ASSET
from margin_core.reference import margin as reference_margin
from margin_core.reference import risk_array as reference_risk
from margin_core.reference import sweep as reference_sweep
from properties.worlds import Account, World, book


@dataclass(frozen=True)
class Prepared:
    """A world with its risk array and rates, in whole quanta."""

    world: World
    cells: Any  # (n, n_scenarios) int64
    rates: dict[str, Any]  # mc_margin_rates as int64 columns
    handle: Any = None  # what the compiled engine holds

    def gross(self) -> list[int]:
        """The largest magnitude of every instrument's cells and rates: margin.md section 5."""
        return [int(g) for g in reference_margin.gross(self.cells, self.rates)]


class Reference:
    """The NumPy specification."""

    name = "reference"

    def prepare(self, world: World) -> Prepared:
        risk = reference_risk.risk_array(
            world.instruments, world.market, world.scenarios, world.lot, quantum=world.quantum
        )
        rates = reference_margin.rates(world.instruments, world.market, risk, world.model)
        return Prepared(world, risk.cells.astype(np.int64), rates)

    def scan(self, cells: Any, accounts: list[Account]) -> tuple[Any, Any]:
        return reference_sweep.scan(cells, book(accounts, len(cells)))

    def exposure(self, prepared: Prepared, accounts: list[Account]) -> tuple[Any, Any]:
        world = prepared.world
        columns = book(accounts, len(prepared.cells))
        return reference_sweep.exposure(prepared.cells, prepared.rates, world.instruments, columns)

    def sweep(
        self, prepared: Prepared, accounts: list[Account], market: Any = None, owners: Any = None
    ) -> dict[str, Any]:
        world = prepared.world
        return reference_sweep.sweep(
            prepared.cells, prepared.rates, world.instruments, world.model,
            book(accounts, len(prepared.cells)),
            market=market, owners=owners, quantum=world.quantum,
        )  # fmt: skip

    def rank(self, equity: Any, mm: Any) -> Any:
        return reference_sweep.rank(equity, mm)


class Compiled:
    """The C core, through its lowest Python layer."""

    name = "compiled"

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def snapshot(self, world: World) -> Any:
        return _market.Snapshot(
            **{name: getattr(world.instruments, name) for name in INSTRUMENT_COLUMNS},
            **vars(world.market),
        )

    def price(self, world: World, numeraire: int, quantum: float) -> Any:
        columns = {
            name: column
            for name, column in vars(world.scenarios).items()
            if name in SCENARIO_COLUMNS and column is not None
        }
        return _risk.RiskHandle.price(
            self.snapshot(world), columns, world.scenarios.horizon_years,
            world.scenarios.event_move, world.lot, quantum, numeraire, self.threads,
        )  # fmt: skip

    def prepare(self, world: World) -> Prepared:
        risk = self.price(world, -1, world.quantum)
        units = [
            {**vars(unit), "tiers": [(t.above_usd, t.mm_frac, t.im_frac) for t in unit.tiers]}
            for unit in world.model.units
        ]
        handle = _margin.MarginHandle(
            risk, self.snapshot(world), units, np.array(world.model.lambda_k, np.int32),
            world.model.mm_factor_k, world.model.im_factor_k, world.model.vega_edge_years,
            np.array([tuple(vars(asset).values()) for asset in world.model.assets],
                     dtype=ASSET).view(np.uint8),
        )  # fmt: skip
        cells = np.empty((risk.n_instruments, risk.n_scenarios))
        risk.copy_cells(cells)
        rows = [handle.rates(i) for i in range(risk.n_instruments)]
        rates = {name: np.array([row[name] for row in rows], np.int64) for name in rows[0]}
        assert (cells == np.rint(cells)).all()
        return Prepared(world, cells.astype(np.int64), rates, (handle, risk))

    def book(self, accounts: list[Account], n_instruments: int) -> Any:
        return _margin.BookHandle(**vars(book(accounts, n_instruments)))

    def scan(self, cells: Any, accounts: list[Account]) -> tuple[Any, Any]:
        risk = _risk.RiskHandle.adopt(np.ascontiguousarray(cells, np.float64), 1e-6)
        worst, scenario = np.empty(len(accounts)), np.empty(len(accounts), np.int32)
        _sweep.scan(risk, self.book(accounts, len(cells)), 0, worst, scenario, self.threads)
        return worst, scenario

    def exposure(self, prepared: Prepared, accounts: list[Account]) -> tuple[Any, Any]:
        n_units = prepared.world.instruments.n_units
        columns = self.book(accounts, len(prepared.cells))
        market = np.empty((n_units, 2), np.int64)
        owners = np.empty((columns.n_owners, n_units, 2), np.int64)
        _sweep.exposure(
            prepared.handle[0], columns, self.threads, market.ravel(),
            owners.ravel() if owners.size else None,
        )  # fmt: skip
        return market, owners

    def sweep(
        self, prepared: Prepared, accounts: list[Account], market: Any = None, owners: Any = None
    ) -> dict[str, Any]:
        n, n_units = len(accounts), prepared.world.instruments.n_units
        out: dict[str, Any] = {}
        for name in reference_sweep.COLUMNS:
            dtype = {"status": np.uint8, "joint_scenario": np.int32, "unit_scenario": np.int32}
            width = len(prepared.world.model.lambda_k) if name.startswith("joint") else n_units
            cells = n * width if name in MATRICES else n
            out[name] = np.full(cells, 77, dtype.get(name, np.int64))
        _sweep.sweep(
            prepared.handle[0], self.book(accounts, len(prepared.cells)), 0, n, self.threads,
            None if market is None else np.ascontiguousarray(market).ravel(),
            None if owners is None else np.ascontiguousarray(owners).ravel(), out,
        )  # fmt: skip
        return {
            name: column.astype(np.int64).reshape((n, -1) if name in MATRICES else n)
            for name, column in out.items()
        }

    def rank(self, equity: Any, mm: Any) -> Any:
        order = np.empty(len(equity), np.int64)
        _sweep.rank(np.asarray(equity, np.int64), np.asarray(mm, np.int64), order)
        return order


INSTRUMENT_COLUMNS = ("unit", "term", "kind", "inverse", "factor", "strike", "contract_size",
                      "step")  # fmt: skip
SCENARIO_COLUMNS = ("spot_move", "basis_move", "vol_scale", "vol_shift", "vol_floor", "skew_slope",
                    "skew_cap", "weight")  # fmt: skip
MATRICES = ("joint_scan", "joint_scenario", "unit_scan", "unit_scenario")

try:
    from margin_core._binding import _margin, _market, _risk, _sweep

    ENGINES: list[Any] = [Reference(), Compiled()]
except ImportError:  # the reference needs no compiler
    ENGINES = [Reference()]
