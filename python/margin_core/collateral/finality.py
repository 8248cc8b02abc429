# SPDX-License-Identifier: Apache-2.0
"""Credit for a deposit as its chain makes it final: a curve, not a switch."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache

from margin_core.checks import whole
from margin_core.collateral.catalogue import Catalogue
from margin_core.errors import DomainError

__all__ = ["CREDIT_ONE", "credit", "final_after"]

#: Credit is a whole number of 2^-20, as the core's rates are.
CREDIT_ONE = 1 << 20

YEAR_SECONDS = 365 * 86400

#: Decimal digits: logarithms and exponentials of the processor's library differ between machines,
#: those of `decimal` are whole-number arithmetic.
DIGITS = 34


def final_after(catalogue: Catalogue, chain: str) -> int:
    """Confirmations after which a deposit is final; the block that holds it is the first."""
    c = catalogue.chain(chain)
    return max(1, math.ceil(c.finality_seconds / c.block_seconds))


def credit(catalogue: Catalogue, chain: str, asset: str, confirmations: int) -> int:
    """What part of a deposit counts, in 1/2^20, rounded down.

    ``w(t) (1 - z sigma sqrt(F - t))`` with t the time that `confirmations` blocks take, F the
    chain's finality and ``w(t) = (1 - l^(t/r)) / (1 - l^(F/r))``: each reorganisation depth r
    leaves the fraction l of the risk that the block is reverted. sigma is the asset's volatility
    in USD per root year. 0 before the first confirmation, 1 at finality, rising between.

    Raises
    ------
    UnknownInstrumentError
        A chain or an asset that is not in the catalogue.
    DomainError
        Confirmations that are negative or not whole; an asset of another chain.
    """
    confirmations = whole("confirmations", confirmations)
    c, a, risk = catalogue.chain(chain), catalogue.asset(asset), catalogue.risk
    if a.chain != chain:
        raise DomainError(f"{asset} is on {a.chain!r}, not {chain!r}")
    if confirmations < 1:
        return 0
    if confirmations >= final_after(catalogue, chain):
        return CREDIT_ONE
    return _curve(
        confirmations * Decimal(c.block_seconds), c.finality_seconds,
        reorg_seconds(catalogue, chain), risk.reorg_left_frac, risk.z,
        catalogue.units[a.unit].vol, a.basis_vol,
    )  # fmt: skip


@lru_cache(maxsize=1 << 16)  # every deposit of a block asks the same
def _curve(
    seen: Decimal, final_s: float, depth_s: float, left: float, z: float, vol: float,
    basis_vol: float,
) -> int:  # fmt: skip
    with localcontext(prec=DIGITS):
        final, decay = Decimal(final_s), Decimal(left).ln() / Decimal(depth_s)
        settled = (1 - (decay * seen).exp()) / (1 - (decay * final).exp())
        variance = Decimal(vol) ** 2 + Decimal(basis_vol) ** 2
        uncertain = Decimal(z) * (variance * (final - seen) / YEAR_SECONDS).sqrt()
        return math.floor(settled * max(Decimal(0), 1 - uncertain) * CREDIT_ONE)


def reorg_seconds(catalogue: Catalogue, chain: str) -> float:
    """Time that the chain's reorganisation depth covers: a rollup's is at least its parent's."""
    c = catalogue.chain(chain)
    own = c.reorg_blocks * c.block_seconds or c.finality_seconds
    return max(own, reorg_seconds(catalogue, c.settles_on)) if c.settles_on else own
