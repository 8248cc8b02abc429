# SPDX-License-Identifier: Apache-2.0
"""Which files hold known answers, and who reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from margin_core.venues.answers.auctions import derive_auction
from margin_core.venues.answers.canonical import canonical
from margin_core.venues.answers.case import Unread
from margin_core.venues.answers.derive import derive_pm1, derive_pm2, derive_sm
from margin_core.venues.answers.exchanges import deribit_pme, okx_pm, paradex_pm, span_classic
from margin_core.venues.answers.protocols import (
    drift_v2,
    dydx_v4,
    hyperliquid_pm,
    mango_v4,
    mango_v4_stable,
)
from margin_core.venues.answers.record import Record

__all__ = ["OWN", "SUITES", "Suite"]

Reader = Callable[[Record, str], Iterator[Unread]]


@dataclass(frozen=True)
class Suite:
    """Files of one shape: `NAME*.json`, and `*.json` of a folder NAME.

    `beside`: the suite whose files these answers stand in as well, where they do.
    """

    name: str
    read: Reader
    asked: str
    beside: str = ""


#: In the order of the presets' documentation.
SUITES = (
    Suite("derive_pm2", derive_pm2, "8.5e-15 of gross"),
    Suite("derive_pm1", derive_pm1, "1e-8"),
    Suite("derive_sm", derive_sm, "1e-8"),
    Suite("derive_auction", derive_auction, "1e-8; bids 1e-12"),
    Suite("deribit_pme", deribit_pme, "1e-9"),
    Suite("okx_pm", okx_pm, "1e-12"),
    Suite("paradex_pm", paradex_pm, "1e-12"),
    Suite("span_classic", span_classic, "exact"),
    Suite("dydx_v4", dydx_v4, "exact"),
    Suite("drift_v2", drift_v2, "exact"),
    Suite("mango_v4", mango_v4, "1e-9"),
    Suite("mango_v4_stable", mango_v4_stable, "0.1 of the price", beside="mango_v4"),
    Suite("hyperliquid_pm", hyperliquid_pm, "1e-12"),
)
#: The documented form for anybody's cases: any other file that says `"margin_core_cases": 1`.
OWN = Suite("own cases", canonical, "each file's")
