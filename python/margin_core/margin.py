# SPDX-License-Identifier: Apache-2.0
"""A market under a margin model: the table that every account is margined against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _margin
from margin_core.errors import ArgumentError, MarginCoreError
from margin_core.model import MarginModel, load_model
from margin_core.risk import RiskArray

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from margin_core.instruments import Instruments
    from margin_core.market import Market
    from margin_core.scenario import Scenarios

__all__ = ["Margin"]

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, eq=False)
class Margin:
    """A risk array joined with a model's rates; immutable, and shared by threads freely.

    Build it with `Margin.of(market)`; pass it to `margin_core.sweep` and `margin_core.explain`.

    Attributes
    ----------
    model : MarginModel
    risk : RiskArray
    groups : tuple of str
        Names of the model's groups, in the core's order.
    """

    model: MarginModel
    risk: RiskArray
    groups: tuple[str, ...]
    handle: _margin.MarginHandle = field(repr=False)

    @classmethod
    def of(
        cls,
        market: Market,
        model: str | os.PathLike[str] | MarginModel = "house",
        scenarios: Scenarios | None = None,
        *,
        open_interest_usd: Mapping[str, float] | None = None,
        factors: Mapping[str, str] | None = None,
        threads: int = 0,
    ) -> Margin:
        """Price the market in the model's scenarios and join its rates.

        Parameters
        ----------
        market : Market
        model : name, path or MarginModel
        scenarios : Scenarios, optional
            Instead of the model's own.
        open_interest_usd : {unit: USD}, optional
            Scales the rates of cross accounts where the model says so.
        factors : {spot name: factor}, optional
            Which event factor an asset follows.
        threads : int
            0: one per processor.

        Raises
        ------
        ModelError
            The model does not fit its schema or this market.
        """
        if not hasattr(market, "instruments"):
            raise ArgumentError(f"a Market is needed, not {type(market).__name__}")
        model = load_model(model)
        interest = dict(open_interest_usd or {})
        unknown = set(interest) - set(market.instruments.units)
        if unknown:
            raise ArgumentError(f"open interest of {sorted(unknown)[0]!r}, which is no unit here")
        risk = RiskArray.price(
            market,
            model,
            scenarios,
            quantum=model.quantum.size,
            numeraire=model.quantum.numeraire,
            factors=factors,
            threads=threads,
        )
        groups = tuple(model.groups)
        units = [_unit(model, name, groups, interest) for name in risk.numbering.units]
        try:
            handle = _margin.MarginHandle(
                risk.handle,
                risk.snapshot,
                units,
                np.array([group.lambda_k for group in model.groups.values()], dtype=np.int32),
                model.factors.mm_k,
                model.factors.im_k,
                [days / DAYS_PER_YEAR for days in model.vega.edges_days],
            )
        except MarginCoreError as error:
            if error.row is not None and "unit" in str(error) and error.row < len(units):
                name = risk.numbering.units[error.row]
                raise type(error)(f"{model.name}, {name}: {error}", row=error.row) from None
            raise
        return cls(model=model, risk=risk, groups=groups, handle=handle)

    @property
    def market(self) -> Market:
        """The snapshot, in the core's order."""
        return self.risk.market

    @property
    def instruments(self) -> Instruments:
        return self.risk.instruments

    @property
    def units(self) -> tuple[str, ...]:
        return self.risk.numbering.units

    @property
    def quantum_usd(self) -> float:
        return float(self.risk.handle.quantum_usd)

    def rates(self, instrument: str) -> dict[str, Any]:
        """The whole rates of one risk lot in quanta: what an auditor multiplies by lots."""
        row = int(self.instruments.index_of([instrument])[0])
        return dict(self.handle.rates(row))

    def __repr__(self) -> str:
        return f"<margin model {self.model.name!r} over {self.risk!r}>"


def _unit(
    model: MarginModel, name: str, groups: tuple[str, ...], interest: Mapping[str, float]
) -> dict[str, Any]:
    unit = model.unit(name)
    columns = unit.model_dump(
        exclude={"names", "group", "source", "range_frac", "vol_up_frac", "vol_down_frac",
                 "vol_up_min", "cross_tiers"}
    )  # fmt: skip
    return {
        **columns,
        "group": groups.index(unit.group),
        "open_interest_usd": interest.get(name, 0.0),
        "tiers": [(tier.above_usd, tier.mm_frac, tier.im_frac) for tier in unit.cross_tiers],
    }
