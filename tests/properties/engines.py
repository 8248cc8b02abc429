# SPDX-License-Identifier: Apache-2.0
"""The two implementations behind one interface, so that a property is written once.

A prepared world carries its cells and rates as plain integers. `of(world)` builds them with the
engine's own risk array; `with_array` takes another engine's, where an engine can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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
        rates = reference_margin.rates(
            world.instruments, world.market, risk, world.model
        )
        return Prepared(world, risk.cells.astype(np.int64), rates)

    def scan(self, cells: Any, accounts: list[Account]) -> tuple[Any, Any]:
        return reference_sweep.scan(cells, book(accounts, len(cells)))

    def exposure(self, prepared: Prepared, accounts: list[Account]) -> tuple[Any, Any]:
        world = prepared.world
        columns = book(accounts, len(prepared.cells))
        return reference_sweep.exposure(
            prepared.cells, prepared.rates, world.instruments, columns
        )

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


ENGINES: list[Any] = [Reference()]
