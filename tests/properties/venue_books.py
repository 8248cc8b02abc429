# SPDX-License-Identifier: Apache-2.0
"""Small books that a venue preset can margin, on one made-up market."""

from hypothesis import strategies as st

import margin_core as mc

NAMES = ("BTC_USDC-PERPETUAL", "BTC_USDC-16JAN26-90000-P", "BTC_USDC-16JAN26-100000-C",
         "BTC_USDC-27MAR26-100000-C", "BTC_USDC-27MAR26-100000-P",
         "BTC_USDC-27MAR26-120000-C")  # fmt: skip
#: The same instruments settled in coin.
INVERSE = {name: name.replace("_USDC", "") for name in NAMES}
PRESETS = ["derive_pm1", "derive_pm2", "derive_sm", "deribit_pm", "dydx_v4", "okx_pm",
           "paradex_pm"]  # fmt: skip
SCANS = ["derive_pm1", "derive_pm2", "deribit_pm", "okx_pm", "paradex_pm"]

_FORWARD = {"16JAN26": 100_300.0, "27MAR26": 101_000.0}


def _market():
    names = [*NAMES, *INVERSE.values()]
    dated = [name.split("-")[1] for name in names]
    return mc.Market.from_table(
        {
            "instrument": names,
            "forward_usd": [_FORWARD.get(date, 100_050.0) for date in dated],
            "vol": [0.55 if date in _FORWARD else float("nan") for date in dated],
        },
        now=1_767_225_600_000_000_000,
        index={"BTC": 100_000.0, "USDC": 1.0},
    )


MARKET = _market()


def positions():
    """At most one position an instrument, of a tenth and up."""
    tenths = st.integers(-50, 50).filter(bool)
    return st.dictionaries(st.sampled_from(NAMES), tenths, min_size=1).map(
        lambda held: [(name, q / 10) for name, q in held.items()]
    )


def book_of(preset, accounts):
    """A book of these accounts, of instruments that the preset has rules for."""
    rows = []
    for a, held in enumerate(accounts):
        rows.append((str(a), "USDC", 1000.0))
        for name, quantity in held:
            if preset == "deribit_pm":
                size = 100_000.0 if name.endswith("PERPETUAL") else 1.0
                rows.append((str(a), INVERSE[name], quantity * size))
            elif preset != "dydx_v4" or name.endswith("PERPETUAL"):
                rows.append((str(a), name, quantity))
    account, instrument, quantity = zip(*rows, strict=True)
    return mc.Book.from_tables(
        {"account": list(account), "instrument": list(instrument), "quantity": list(quantity)}
    )
