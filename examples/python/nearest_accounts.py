# SPDX-License-Identifier: Apache-2.0
"""Sweep a made-up venue and ask why the account nearest liquidation stands where it stands."""

import margin_core as mc
from margin_core.synthetic import synthetic_book, synthetic_market

market = synthetic_market(seed=0)
margin = mc.Margin.of(market, "house")
book = synthetic_book(market, 2_000, margin=margin)

standing = mc.sweep(book, margin)
print(standing.counts())
print(standing.nearest(5))

print(mc.explain(book, margin, str(book.accounts[standing.order[0]])).text())
