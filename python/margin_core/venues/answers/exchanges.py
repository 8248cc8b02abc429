# SPDX-License-Identifier: Apache-2.0
"""Deribit, OKX, Paradex and SPAN: answers and tables that the exchanges publish."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from margin_core.errors import FileError
from margin_core.instruments import Kind
from margin_core.venues.answers.case import Case, Expected, Unread
from margin_core.venues.answers.record import Record
from margin_core.venues.answers.scan_account import (
    Account,
    Solved,
    cell,
    charge,
    label_loss,
    reported_im,
    reported_mm,
    scan_case,
    scan_loss,
)
from margin_core.venues.preset import load_preset

__all__ = ["deribit_pme", "okx_pm", "paradex_pm", "span_classic"]

SECONDS_PER_YEAR = 365.0 * 86400.0

# Deribit private/pme/simulate: parameters as the API names them, futures and perpetuals

PME_TOLERANCE = 1e-9
MAX_BUCKETS = 100
#: Amounts whose rules are not known: they are taken from the answer, as these provisions.
PME_OUTSIDE = {"open_orders_margin": "open_orders", "mmp_margin": "mmp", "spot_margin": "spot",
               "correlation_contingency": "correlation"}  # fmt: skip
_DATED = re.compile(r"-(\d{1,2})([A-Z]{3})(\d{2})$")
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def deribit_pme(data: Record, _: str) -> Iterator[Unread]:
    """Risk vectors, worst case, shocks, IM and MM are judged."""
    for i, read in enumerate(data.each("vectors")):
        yield Unread(f"vectors.{i}", partial(_pme_case, read))


def _pme_case(read: Callable[[], Record]) -> Case:
    vector = read()
    positions, known = vector.record("positions"), vector.record("expected")
    coin = next(iter(positions), "").split("-")[0]
    now_s = _pme_now_s(vector.text("provenance"))
    account, preset = Account(units={coin: (vector["index_price"], 1.0)}), load_preset("deribit_pm")
    for key, provision in PME_OUTSIDE.items():
        account.provide(preset.provision(provision), known.get(key, 0.0))
    for name, position in positions.named():
        dated = _DATED.search(name)
        if not dated and not name.endswith("-PERPETUAL"):
            raise FileError(f"{positions.where}.{name}: neither a future nor a perpetual")
        years = max(0.0, _expiry_s(dated) - now_s) / SECONDS_PER_YEAR if dated and now_s else 0.0
        account.hold(name, Kind.FUTURE if dated else Kind.PERPETUAL,
                     position["size_base"] * position["mark"], position["mark"],
                     inverse=True, years=years)  # fmt: skip
    overrides = _pme_overrides(coin, vector.record("params"))
    return scan_case(vector.text("id"), "deribit_pm", overrides, account,
                     list(_pme_expected(vector)))  # fmt: skip


def _pme_now_s(provenance: str) -> float:
    """The answer's time stamp in milliseconds, or its date; 0 where it states neither."""
    if stamp := re.search(r"\b(\d{13})\b", provenance):
        return int(stamp[1]) / 1000.0
    if date := re.search(r"\b(\d{4})-(\d{2})-(\d{2})\b", provenance):
        return float(calendar.timegm((*map(int, date.groups()), 0, 0, 0)))
    return 0.0


def _expiry_s(found: re.Match[str]) -> float:
    """08:00 UTC of the day in a name."""
    day, month, year = found.groups()
    return float(calendar.timegm((2000 + int(year), _MONTHS.index(month) + 1, int(day), 8, 0, 0)))


def _pme_overrides(coin: str, params: Record) -> dict[str, Any]:
    own, n = params.record(f"ccy_{coin.lower()}"), params["buckets_count"]
    if n not in range(1, MAX_BUCKETS + 1):
        raise FileError(f"{params.where}.buckets_count: {n} is not from 1 to {MAX_BUCKETS}")
    unit = {
        "names": [coin],
        "range_frac": params["price_range"],
        "vol_up_frac": params["volatility_range_up"],
        "vol_down_frac": params["volatility_range_down"],
        "vol_up_min": params["min_volatility_for_shock_up"],
        "gain_offset": own["pnl_offset"],
        "gain_cap": own.get("max_offsetable_pnl"),
        "dampener_usd": own["extended_dampener"],
        "source": "case",
    }
    ramp = {
        "threshold_usd": params["delta_total_liq_shock_threshold"],
        "increment": params["m_inc"],
        "cap": params["max_delta_shock"],
    }
    return {
        "sources": {"case": "the answer's own params"},
        "vol_term": {"power_short": params["short_term_vega_power"],
                     "power_long": params["long_term_vega_power"]},
        "units": [{k: v for k, v in unit.items() if v is not None}],
        "scenarios": {"standard": {"spot": [k / n for k in range(-n, n + 1)]},
                      "extended": {"factor": params["extended_table_factor"]}},
        "charges": {
            f"roll {coin}": {"tenor": {"a": own["annualised_move_risk"],
                                       "minimum": own["min_annualised_move"]}},
            f"delta_shock {coin}": {"transform": ramp},
        },
        "factors": {"mm": params["mm_factor"]},
    }  # fmt: skip


def _pme_expected(vector: Record) -> Iterator[Expected]:
    known, params = vector.record("expected"), vector.record("params")
    vols = int(params["vol_scenarios_count"])
    n_standard = (2 * int(params["buckets_count"]) + 1) * vols
    for name, position in sorted(vector.record("positions").named(), key=lambda p: p[0]):
        key = "fut" if _DATED.search(name) else "perp"
        i, q = name, position["size_base"] * position["mark"]
        for k, value in enumerate(known.list(f"{key}_standard_one_vol", optional=True)):
            yield Expected(
                f"{key} standard {k}", value, _position_cell(i, k * vols, q), PME_TOLERANCE
            )
        for k, value in enumerate(known.list(f"{key}_extended", optional=True)):
            column = n_standard + k
            yield Expected(
                f"{key} extended {k}", value, _position_cell(i, column, q), PME_TOLERANCE
            )
    for k, value in enumerate(known.list("aggregated_standard_one_vol", optional=True)):
        yield Expected(f"aggregated standard {k}", value, cell(k * vols), PME_TOLERANCE)
    for k, value in enumerate(known.list("aggregated_extended", optional=True)):
        yield Expected(f"aggregated extended {k}", value, cell(n_standard + k), PME_TOLERANCE)
    totals: tuple[tuple[str, Callable[[Solved], float]], ...] = (
        ("worst_case", scan_loss),
        ("roll_shock", charge("roll")),
        ("delta_shock", charge("delta_shock")),
        ("initial_margin", reported_im),
        ("maintenance_margin", reported_mm),
    )
    for name, ours in totals:
        if name in known:
            yield Expected(name, known[name], ours, PME_TOLERANCE)


def _position_cell(name: str, column: int, quantity: float) -> Callable[[Solved], float]:
    """One position's weighted P&L."""

    def read(answer: Solved) -> float:
        i = answer.tables.instruments.names.index(name)
        pnl = answer.tables.cells.value[i, column] - answer.tables.cells.base[i]
        return float(
            quantity
            * pnl
            * answer.tables.scenarios.weight[answer.tables.instruments.unit[i], column]
        )

    return read


# OKX position-builder: risk units of one perpetual each

OKX_TOLERANCE = 1e-12


def okx_pm(data: Record, _: str) -> Iterator[Unread]:
    """MR1 to MR7 and the unit's requirement are judged."""
    for i, read in enumerate(data.each("risk_units")):
        yield Unread(f"risk_units.{i}", partial(_okx_case, read))


def _okx_case(read: Callable[[], Record]) -> Case:
    unit = read()
    name, mark = unit.text("unit"), unit["mark"]
    quantity = unit["delta_usd"] / mark  # of a coin; USDT's price, too, is in it
    account = Account(units={name: (_okx_index(unit, quantity), 1.0)})
    account.provide(load_preset("okx_pm").provision("MR9"), unit.get("mr9", 0.0))
    account.hold(f"{name}-USDT-SWAP", Kind.PERPETUAL, quantity, mark)
    parts: list[tuple[str, Any]] = [
        ("mr1", label_loss("MR1")), ("mr2", label_loss("MR2")), ("mr3", charge("MR3")),
        ("mr4", charge("MR4", "MR4_dated")), ("mr6", label_loss("MR6")),
        ("mr7", charge("MR7")), ("mmr_implied", reported_mm),
    ]  # fmt: skip
    expected = [Expected(key, unit[key], ours, OKX_TOLERANCE) for key, ours in parts if key in unit]
    return scan_case(name, "okx_pm", {}, account, expected)


def _okx_index(unit: Record, quantity: float) -> float:
    """The index, which the example does not state: its MR1 is |quantity| index x move.

    It comes out as 97078.9 USDT at USDT 0.99954, a price on the tick. MR6, MR4, MR7 and the total
    are then answers and not inputs.
    """
    worst = unit.record("mr1_worst") if "mr1_worst" in unit else None
    if worst is None or not quantity or not worst.get("spot"):
        return float(unit["mark"])
    return float(worst["pnl"] / (worst["spot"] * quantity))


# Paradex: its table against the preset, and the worked example of the delta minimum

PARADEX_TOLERANCE = 1e-12


def paradex_pm(text: Record, _: str) -> Iterator[Unread]:
    """The table and the worked example are judged."""
    yield Unread("worked_example", partial(_paradex_case, text))


def _paradex_case(text: Record) -> Case:
    example, power = text.record("worked_example"), text.record("vega_power")
    account = Account(units={"BTC": (example["spot"], 1.0)})
    nothing = [0.0] * len(text.list("scenarios"))
    account.hold(
        "PERP", Kind.PERPETUAL, example["long_perp"], example["spot"], delta=1.0, cells=nothing
    )
    account.hold("CALL", Kind.CALL, -example["short_calls"], example["spot"], years=0.1,
                 strike=example["spot"], delta=example["call_delta"], cells=nothing)  # fmt: skip
    minimum = example["min_delta_risk_from_formula"]
    expected = [
        Expected("minimum delta, IM", minimum, reported_im, PARADEX_TOLERANCE),
        Expected("minimum delta, MM", minimum * text["mm_factor"], reported_mm, PARADEX_TOLERANCE),
        Expected("power below 30 days", power["dte<30"],
                 lambda answer: answer.tables.preset.vol_term.power_short, 0.0),
        Expected("power from 30 days", power["dte>=30"],
                 lambda answer: answer.tables.preset.vol_term.power_long, 0.0),
    ]  # fmt: skip
    for z, row in enumerate(text.list("scenarios")):
        for key, value in zip(("spot_move", "vol_move", "weight"), row, strict=True):
            expected.append(Expected(f"{key} {z}", value, _table_cell(key, z), 0.0))
    return scan_case("worked_example", "paradex_pm", {}, account, expected)


def _table_cell(key: str, z: int) -> Callable[[Solved], float]:
    return lambda answer: float(getattr(answer.tables.scenarios, key)[0, z])


# SPAN: supplied arrays


def span_classic(text: Record, _: str) -> Iterator[Unread]:
    """The requirement of a published array is judged."""
    for name in text.record("requirements"):
        yield Unread(name, partial(_span_case, text, name))


def _span_case(text: Record, name: str) -> Case:
    requirements = text.record("requirements")
    requirement = requirements[name]
    side, _underscore, kind = name.partition("_")
    if kind not in SPAN_KINDS:
        raise FileError(f"{requirements.where}.{name}: ends in none of {', '.join(SPAN_KINDS)}")
    array, sign = _span_array(text, side, kind)
    account = Account(units={"SP": (1.0, 1.0)})
    account.hold(name, SPAN_KINDS[kind], sign, 1.0, years=0.1, strike=1.0, cells=array)
    expected = [Expected("requirement", requirement, reported_im, 0.0)]
    return scan_case(name, "span", {}, account, expected)


SPAN_KINDS = {"future": Kind.FUTURE, "call": Kind.CALL, "put": Kind.PUT}


def _span_array(text: Record, side: str, kind: str) -> tuple[list[float], float]:
    """The array of this side and kind, or the other side's with quantity -1."""
    arrays = [name for name in text if name.endswith(kind) and name.startswith(("long_", "short_"))]
    own = [name for name in arrays if name.startswith(side)]
    if not arrays:
        raise FileError(f"{text.where}: no array of a {kind}")
    return (text.list(own[0]), 1.0) if own else (text.list(arrays[0]), -1.0)
