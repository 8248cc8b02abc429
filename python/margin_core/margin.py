# SPDX-License-Identifier: Apache-2.0
"""A market under a margin model: the table that every account is margined against."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _margin
from margin_core.checks import is_a, mapping, real, shown
from margin_core.errors import (
    ArgumentError,
    MarginCoreError,
    UnknownInstrumentError,
)
from margin_core.model import MarginModel, load_model
from margin_core.risk import RiskArray

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from margin_core.instruments import Instruments
    from margin_core.market import Market
    from margin_core.risk import Factors
    from margin_core.scenario import Scenarios

__all__ = ["Haircut", "Margin"]

DAYS_PER_YEAR = 365.0

#: mc_asset
ASSET = np.dtype(
    [("instrument", "i4"), ("exit_market", "i4"), ("haircut_mm_frac", "f8"),
     ("haircut_im_frac", "f8"), ("exit_depth_usd", "f8"), ("exit_impact_frac", "f8"),
     ("unscanned_frac", "f8")], align=True,
)  # fmt: skip


@dataclass(frozen=True)
class Haircut:
    """What is taken off a holding of an asset beside its price scenarios.

    Attributes
    ----------
    mm_frac, im_frac : float
        Of its mark, in [0, 1], for maintenance and for new credit; im_frac >= mm_frac.
    exit_depth_usd, exit_impact_frac : float
        Selling `exit_depth_usd` of it costs `exit_impact_frac`, other sizes with the square root;
        a depth of 0 costs nothing. The exit comes first, the fractions take from what it leaves.
    unscanned_frac : float
        Taken besides, after the unit's range, in cross and isolated accounts: they have no scan
        that would hold a discount or a depeg.
    exit_market : str
        Assets of one name are sold into one depth, which they give alike, and what an account holds
        of them is added up before the curve; empty: into a depth of its own.
    """

    mm_frac: float
    im_frac: float
    exit_depth_usd: float = 0.0
    exit_impact_frac: float = 0.0
    unscanned_frac: float = 0.0
    exit_market: str = ""


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
        factors: Factors | None = None,
        haircuts: Mapping[str, Haircut] | None = None,
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
        factors : {spot name: factor or factors}
            Which events an asset follows; the moves of several multiply. Needed with `scenarios`
            that have events: ``{}`` says that no asset follows any.
        haircuts : {spot name: Haircut}, optional
            Part of the requirement of every account mode.
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
                _assets(risk, haircuts),
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


def _assets(risk: RiskArray, haircuts: Mapping[str, Haircut] | None) -> NDArray[np.uint8]:
    """Records of mc_asset, in the order of the instruments."""
    rows = []
    markets: dict[str, int] = {"": 0}
    for name, haircut in mapping("haircuts", haircuts).items():
        is_a(f"haircut of {shown(name)}", haircut, Haircut)
        try:
            row = int(risk.instruments.index_of([name])[0])
        except MarginCoreError:
            raise UnknownInstrumentError(
                f"haircut of {shown(name)}: the market has no such row"
            ) from None
        *numbers, market = (getattr(haircut, f.name) for f in fields(Haircut))
        is_a(f"haircut of {name}: exit_market", market, str)
        values = (
            real(f"haircut of {name}: {f.name}", number)
            for f, number in zip(fields(Haircut), numbers, strict=False)
        )
        rows.append((row, markets.setdefault(market, len(markets)), *values))
    records = np.array(sorted(rows), dtype=ASSET)
    try:
        _margin.check_assets(risk.snapshot, records.view(np.uint8))
    except MarginCoreError as error:
        row = int(records["instrument"][error.row or 0])
        raise type(error)(f"haircut of {risk.instruments.name[row]}: {error}", row=row) from None
    return records.view(np.uint8)


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
