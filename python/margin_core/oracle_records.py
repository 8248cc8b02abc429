# SPDX-License-Identifier: Apache-2.0
"""The oracle's structs as NumPy records: field by field as in quote.h, ladder.h and oracle.h."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.checks import WHOLE_MAX, shown, whole
from margin_core.errors import ArgumentError, DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.oracle_model import OracleModel

NS_PER_S = 1_000_000_000
KINDS = ("venue", "publisher", "contract")
NO_DECIMALS = -1
MAX_SOURCES, MAX_CLASSES, N_DELAYS, N_ACTIONS = 16, 12, 24, 6

QUOTE = np.dtype(
    [("mantissa", "i8"), ("confidence", "i8"), ("time_ns", "i8"), ("executed_usd", "f8"),
     ("displayed_usd", "f8"), ("base", "i8"), ("quote", "i8"), ("source", "i4"),
     ("decimals", "i4"), ("kind", "i4"), ("reserved", "i4")]
)  # fmt: skip
SOURCE = np.dtype(
    [("id", "i4"), ("decimals", "i4"), ("kind", "i4"), ("reserved", "i4"), ("depth_usd", "f8"),
     ("floor", "f8"), ("ceiling", "f8")]
)  # fmt: skip
STABLE_RULE = np.dtype(
    [("interval_ns", "i8"), ("min_step_ns", "i8"), ("max_step_ns", "i8"), ("delay_growth", "f8"),
     ("growth_per_s", "f8")]
)  # fmt: skip
STABLE = np.dtype(
    [("price", "f8"), ("delay", "f8", (N_DELAYS,)), ("price_seconds", "f8"), ("seconds", "f8"),
     ("time_ns", "i8")]
)  # fmt: skip
RULE = np.dtype(
    [("size", "u8"), ("future_ns", "i8"), ("old_ns", "i8"), ("max_age_ns", "i8"),
     ("half_life_ns", "i8"), ("depth_half_ns", "i8"), ("jump_window_ns", "i8"), ("gap_ns", "i8"),
     ("grace_ns", "i8"), ("n_fresh", "i4"), ("reserved", "i4"), ("jump_frac", "f8"),
     ("deviation_ratio", "f8"), ("outlier_frac", "f8"), ("max_confidence_frac", "f8"),
     ("max_band_frac", "f8"), ("disagreement_k", "f8"), ("age_frac", "f8"),
     ("stable", STABLE_RULE)]
)  # fmt: skip
LADDER = np.dtype(
    [("n_classes", "u8"), ("when", "u4", (MAX_CLASSES,)), ("at", "u1", (MAX_CLASSES, N_ACTIONS))]
)
STATE = np.dtype(
    [("now_ns", "i8"), ("time_ns", "i8"), ("accepted_ns", "i8"), ("run_ns", "i8"), ("fresh", "i8"),
     ("price", "f8"), ("half_frac", "f8"), ("source_ns", "i8", (MAX_SOURCES,)),
     ("depth_usd", "f8", (MAX_SOURCES,)), ("stable", STABLE)]
)  # fmt: skip
READING = np.dtype(
    [("price", "f8"), ("low", "f8"), ("high", "f8"), ("stable", "f8"), ("median", "f8"),
     ("depth_usd", "f8"), ("time_ns", "i8"), ("base", "i8"), ("quote", "i8"), ("reasons", "u4"),
     ("validity", "i4"), ("answered", "u2"), ("agreed", "u2"), ("inverted", "i4"),
     ("now_ns", "i8")]
)  # fmt: skip


def currency_tag(code: str, row: int | None = None) -> int:
    """A currency's code as the core has it: its ASCII characters, the first in the lowest byte."""
    if not isinstance(code, str):
        raise ArgumentError(f"currency {shown(code)} is no text", row=row)
    raw = code.encode("ascii", "replace")
    if not 1 <= len(raw) <= 8 or not code.isascii() or not code.isprintable() or " " in code:
        raise ArgumentError(f"currency {code!r:.40}: 1 to 8 ASCII characters are needed", row=row)
    return int.from_bytes(raw, "little")


def currency_code(tag: int) -> str:
    """The code that `currency_tag` was given."""
    return int(tag).to_bytes(8, "little").rstrip(b"\0").decode("ascii")


def rule_record(model: OracleModel) -> NDArray[Any]:
    """(1,) of RULE."""
    out = np.zeros(1, RULE)
    stable = model.stable
    for name, value in {
        "size": RULE.itemsize, "future_ns": _ns(model.age.future_s), "old_ns": _ns(model.age.old_s),
        "max_age_ns": _ns(model.age.max_s), "half_life_ns": _ns(model.age.half_life_s),
        "depth_half_ns": _ns(model.depth.half_life_s), "jump_window_ns": _ns(model.jump.window_s),
        "gap_ns": _ns(model.outage.gap_s), "grace_ns": _ns(model.outage.grace_s),
        "n_fresh": model.outage.n_fresh, "jump_frac": model.jump.frac,
        "deviation_ratio": model.limits.deviation_ratio, "outlier_frac": model.limits.outlier_frac,
        "max_confidence_frac": model.limits.confidence_frac,
        "max_band_frac": model.limits.band_frac, "disagreement_k": model.spread.disagreement_k,
        "age_frac": model.drift.frac_per_root_s,
        "stable": (_ns(stable.interval_s), _ns(stable.min_step_s), _ns(stable.max_step_s),
                   stable.delay_growth_frac, stable.growth_frac_per_s),
    }.items():  # fmt: skip
        out[name] = value
    return out


def ladder_record(model: OracleModel) -> NDArray[Any]:
    """(1,) of LADDER."""
    from margin_core.oracle_model import ACTIONS, PRICES, REASONS

    out = np.zeros(1, LADDER)
    out["n_classes"] = len(model.ladder)
    for c, rung in enumerate(model.ladder):
        out["when"][0, c] = sum(1 << REASONS.index(reason) for reason in set(rung.when))
        for a, action in enumerate(ACTIONS):
            out["at"][0, c, a] = PRICES.index(getattr(rung.allows, action))
    return out


def as_bytes(records: NDArray[Any]) -> NDArray[np.uint8]:
    """A view of the same memory."""
    return records.reshape(-1).view(np.uint8)


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def as_int64(value: int, name: str, row: int | None = None) -> int:
    """A whole number that fits the core's 64 bits."""
    number = whole(name, value, -WHOLE_MAX, row=row)
    if not -(2**63) <= number < 2**63:
        raise DomainError(f"{name} is beyond 64 bits: {str(number):.24}...", row=row)
    return number
