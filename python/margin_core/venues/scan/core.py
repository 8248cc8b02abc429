# SPDX-License-Identifier: Apache-2.0
"""A preset's tables as the C core reads them: the columns of preset.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.venues.columns import Column
from margin_core.venues.scan.charge_columns import ChargeColumn
from margin_core.venues.scan.preset import Ramp, ScanPreset, Tiers
from margin_core.venues.scan.tables import Tables

__all__ = ["CoreColumns", "core_columns"]

FORMS = {"gross": 0, "net": 0, "short": 1, "hedged": 2, "least_net": 3, "spreads": 4}
SEGMENTS = {"instrument": 0, "pair": 1, "term": 2, "tenor": 3, "unit": 4}
ROLES = {"inside": 0, "outside": 1, "core_floor": 2, "unit_floor": 3}
COMBINATIONS = {"sum": 0, "joint": 1, "correlation": 2, "credits": 3}
TIERS, RAMP = 1, 2
MAX_TIERS = 8

RATES = np.dtype(
    [("mm", "f8"), ("im", "f8"), ("shape", "i4"), ("n_tiers", "i4"), ("above", "f8", MAX_TIERS),
     ("multiplier", "f8", MAX_TIERS), ("ramp_slope", "f8"), ("ramp_threshold", "f8"),
     ("ramp_cap", "f8")], align=True,
)  # fmt: skip
SPREAD = np.dtype([("level", "i4"), ("against", "i4"), ("rate", "f8")], align=True)
CREDIT = np.dtype(
    [("unit", "i4", 2), ("side", "i4", 2), ("ratio", "f8", 2), ("credit_frac", "f8")], align=True
)


@dataclass(frozen=True)
class CoreColumns:
    """columns, charges : keyed as mc_preset_columns and mc_charge; charge_names : of each charge"""

    columns: dict[str, Any]
    charges: list[dict[str, Any]]
    charge_names: tuple[str, ...]


def core_columns(tables: Tables, factors: tuple[float, float]) -> CoreColumns:
    """Everything in the numeraire; neutral rules are left out, which makes the walk shorter.

    factors : MM, IM
    """
    preset, instruments, table = tables.preset, tables.instruments, tables.scenarios
    competes = len(preset.competitors) > 0
    adjusts = tables.dampener.any() or (tables.gain_offset != 1.0).any()
    adjusts = adjusts or np.isfinite(tables.gain_cap).any()
    discounts = preset.static_discount is not None
    merged = list(_charges(preset, tables))
    unmoved = np.zeros((len(instruments.units), len(table.names) - table.n_scan))
    columns = {
        "n": len(instruments.names), "n_units": len(instruments.units),
        "n_terms": len(tables.years), "n_columns": len(table.names),
        "unit": _whole(instruments.unit), "term": _whole(instruments.term),
        "pair": _whole(instruments.pair), "is_option": instruments.is_option.view(np.uint8),
        "value": _flat(tables.cells.value), "base": tables.cells.base, "mark": tables.cells.mark,
        "delta": tables.cells.delta,
        "weight": _flat(tables.weight),
        "long_factor": tables.value_long if discounts else None,
        "short_factor": tables.value_short if discounts else None,
        "folds": table.fold.view(np.uint8),
        "competitor": _whole(table.competitor) if competes else None,
        "n_competitors": len(preset.competitors),
        "compete_rate": _flat(tables.compete_rate),
        "dampener": _flat(np.column_stack([tables.dampener, unmoved])) if adjusts else None,
        "gain_offset": tables.gain_offset if adjusts else None,
        "gain_cap": tables.gain_cap if adjusts else None,
        "core_quantum": preset.pricing.core_quantum or 0.0,
        "combination": COMBINATIONS[preset.combination.kind],
        "lambda_frac": preset.combination.lambda_frac,
        "correlation": _correlation(tables),
        "credits": _credits(tables).view(np.uint8), "n_credits": len(_credits(tables)),
        "spot_move": _flat(table.spot_move),
        "mm_factor": factors[0], "im_factor": factors[1],
    }  # fmt: skip
    return CoreColumns(columns, [charge for _, charge in merged], tuple(name for name, _ in merged))


def _flat(table: Column) -> Column:
    return np.ascontiguousarray(table, dtype=np.float64).reshape(-1)


def _whole(column: Any) -> NDArray[np.int32]:
    return np.ascontiguousarray(column, dtype=np.int32)


def _charges(preset: ScanPreset, tables: Tables) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, charge); namesakes of one form are one charge, each unit with its own rates."""
    found: dict[Any, list[ChargeColumn]] = {}
    for column in tables.charges:
        rule = column.rule
        key = (rule.name, rule.role, rule.form, rule.segment, rule.edges_days, rule.spreads)
        found.setdefault(key, []).append(column)
    unit = tables.instruments.unit
    for (name, *_), columns in found.items():
        rule = columns[0].rule
        rates = np.zeros(len(tables.instruments.units), dtype=RATES)
        for column in columns:
            for u in np.unique(unit[column.weight != 0.0]):
                rates[u] = _rates(column, float(tables.numeraire_usd[u]), float(tables.index[u]))
        spreads = np.array([tuple(s) for s in rule.spreads], dtype=SPREAD)
        levels = rule.form == "spreads" or (
            rule.segment == "tenor" and rule.form in ("gross", "short", "hedged")
        )
        yield name, {
            "form": FORMS[rule.form], "role": ROLES[rule.role],
            "segment": SEGMENTS["unit" if rule.form in ("net", "least_net") else rule.segment],
            "weight": np.sum([column.weight for column in columns], axis=0),
            "level": _whole(columns[0].level) if levels else None,
            "n_levels": len(rule.edges_days) + 1 if levels else 0,
            "rates": rates.view(np.uint8).reshape(-1),
            "spreads": spreads.view(np.uint8), "n_spreads": len(spreads),
        }  # fmt: skip


def _rates(column: ChargeColumn, usd: float, index: float) -> Any:
    """A rule's rates with its USD bounds in the numeraire, of which 1.0 is `usd`."""
    rule, out = column.rule, np.zeros((), dtype=RATES)
    out["mm"], out["im"] = rule.rate, rule.rate + rule.rate_im_extra
    transform = rule.transform
    if isinstance(transform, Tiers):
        n = len(transform.above)
        out["shape"], out["n_tiers"] = TIERS, n
        out["above"][:n] = np.array(transform.above) / usd
        out["multiplier"][:n] = transform.multiplier
    elif isinstance(transform, Ramp):
        out["shape"] = RAMP
        out["ramp_slope"] = transform.increment * usd / index
        out["ramp_threshold"] = transform.threshold_usd / usd
        out["ramp_cap"] = transform.cap
    return out


def _correlation(tables: Tables) -> Column | None:
    """(U * U,) of the units' cores; unlisted pairs do not diversify (1)."""
    rule, names = tables.preset.combination, tables.instruments.units
    if rule.kind != "correlation":
        return None
    at = {name: u for u, name in enumerate(names)}
    rho = np.ones((len(names), len(names)))
    for a, b, value in rule.correlation:
        if a in at and b in at and a != b:
            rho[at[a], at[b]] = rho[at[b], at[a]] = value
    return rho.reshape(-1)


def _credits(tables: Tables) -> NDArray[Any]:
    """Entries both of whose units there are."""
    at = {name: u for u, name in enumerate(tables.instruments.units)}
    rows = [
        ([at[leg.unit] for leg in rule.legs], [leg.side for leg in rule.legs],
         [leg.ratio for leg in rule.legs], rule.credit_frac)
        for rule in tables.preset.combination.credits
        if all(leg.unit in at for leg in rule.legs)
    ]  # fmt: skip
    return np.array(rows, dtype=CREDIT)
