# SPDX-License-Identifier: Apache-2.0
"""The same work as our kernels, written for numba as well as we can: padded rows, accumulators in
one small buffer, no allocation in the loop, every rate of an instrument in one row."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

MARK, CLOSING, ORACLE, NOTIONAL, SIDE, ROLL, SHORT_MM, SHORT_IM, VEGA = range(9)
N_RATES = 13  # VEGA .. VEGA + 3 are the buckets

SQRT_HALF = math.sqrt(0.5)
INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


@njit(cache=False, fastmath=True)
def scan(table, offset, instrument, lots, worst, buffer):  # type: ignore[no-untyped-def]
    """One minimum per account; `table` is padded to a multiple of 8 columns."""
    n = table.shape[1]
    for a in range(len(offset) - 1):
        for z in range(n):
            buffer[z] = 0.0
        for p in range(offset[a], offset[a + 1]):
            q = lots[p]
            row = table[instrument[p]]
            for z in range(n):
                buffer[z] += q * row[z]
        least = buffer[0]
        for z in range(n):
            least = min(least, buffer[z])
        worst[a] = least


@njit(cache=False, fastmath=True, parallel=True)
def scan_parallel(table, offset, instrument, lots, worst, buffers):  # type: ignore[no-untyped-def]
    """The same on several threads: a block of accounts each, with a buffer of its own."""
    n = table.shape[1]
    accounts = len(offset) - 1
    blocks = len(buffers)
    for b in prange(blocks):
        buffer = buffers[b]
        for a in range(b * accounts // blocks, (b + 1) * accounts // blocks):
            for z in range(n):
                buffer[z] = 0.0
            for p in range(offset[a], offset[a + 1]):
                q = lots[p]
                row = table[instrument[p]]
                for z in range(n):
                    buffer[z] += q * row[z]
            least = buffer[0]
            for z in range(n):
                least = min(least, buffer[z])
            worst[a] = least


@njit(cache=False)
def impact(nodes, rates, notional):  # type: ignore[no-untyped-def]
    g = (notional + 1048575) >> 20
    size = 0
    rate = 0
    for j in range(len(nodes)):
        if g <= nodes[j]:
            span = nodes[j] - size
            return rate + ((rates[j] - rate) * (g - size) + span - 1) // span
        size = nodes[j]
        rate = rates[j]
    return rate


@njit(cache=False, fastmath=True)
def house(table, rates, unit_of, term_of, pair_of, group_of, lambda_k, mm_k, im_k, nodes,
          node_rates, market_rate, offset, instrument, lots, cash, equity, im, mm, status, core,
          short_mm, short_im, roll, vega, concentration, oracle, closing, rounding, worst,
          unit_pnl, group_pnl):  # type: ignore[no-untyped-def]  # fmt: skip
    """The whole house model for portfolio accounts without orders."""
    n = table.shape[1]
    for a in range(len(offset) - 1):
        total = 0.0
        size_sum = 0.0
        closings = 0.0
        oracles = 0.0
        rolls = 0.0
        shorts_mm = 0.0
        shorts_im = 0.0
        vegas = 0.0
        crowd = 0
        core_sum = 0
        for g in range(worst.shape[1]):
            worst[a, g] = -1
        p = offset[a]
        end = offset[a + 1]
        while p < end:
            group = group_of[unit_of[instrument[p]]]
            for z in range(n):
                group_pnl[z] = 0.0
            scans = 0.0
            while p < end:
                unit = unit_of[instrument[p]]
                if group_of[unit] != group:
                    break
                for z in range(n):
                    unit_pnl[z] = 0.0
                v0 = 0.0
                v1 = 0.0
                v2 = 0.0
                v3 = 0.0
                longs = 0.0
                shorts = 0.0
                term_roll = 0.0
                pair_mm = 0.0
                pair_im = 0.0
                while p < end:
                    i = instrument[p]
                    if unit_of[i] != unit:
                        break
                    q = lots[p]
                    row = table[i]
                    for z in range(n):
                        unit_pnl[z] += q * row[z]
                    r = rates[i]
                    size = abs(q)
                    total += q * r[MARK]
                    size_sum += size
                    closings += size * r[CLOSING]
                    oracles += size * r[ORACLE]
                    v0 += q * r[VEGA]
                    v1 += q * r[VEGA + 1]
                    v2 += q * r[VEGA + 2]
                    v3 += q * r[VEGA + 3]
                    if q * r[SIDE] > 0.0:
                        longs += size * r[NOTIONAL]
                    else:
                        shorts += size * r[NOTIONAL]
                    term_roll += q * r[ROLL]
                    pair_mm -= q * r[SHORT_MM]
                    pair_im -= q * r[SHORT_IM]
                    p += 1
                    last = p == end
                    if last or pair_of[instrument[p]] != pair_of[i]:
                        shorts_mm += max(0.0, pair_mm)
                        shorts_im += max(0.0, pair_im)
                        pair_mm = 0.0
                        pair_im = 0.0
                    if last or term_of[instrument[p]] != term_of[i]:
                        rolls += abs(term_roll)
                        term_roll = 0.0
                least = 0.0
                for z in range(n):
                    least = min(least, unit_pnl[z])
                    group_pnl[z] += unit_pnl[z]
                scans -= least
                gross = abs(v0) + abs(v1) + abs(v2) + abs(v3)
                vegas += (gross - abs(v0 + v1 + v2 + v3)) * 0.5
                for side in range(2):
                    own = int(longs) if side == 0 else int(shorts)
                    if own > 0:
                        rate = impact(nodes[unit], node_rates[unit], own) + market_rate[unit, side]
                        rate = min(rate, 1048576)
                        low = own & 1048575
                        crowd += (own >> 20) * rate + ((low * rate + 1048575) >> 20)
            joint = 0.0
            for z in range(n):
                joint = min(joint, group_pnl[z])
            for z in range(n):
                if group_pnl[z] == joint:
                    worst[a, group] = z
                    break
            k = lambda_k[group]
            core_sum += (1024 - k) * int(scans) + k * int(-joint)
        c = (core_sum + 1023) >> 10
        charges = int(rolls) + int(vegas) + crowd + int(oracles)
        need_mm = max(((c * mm_k + 1023) >> 10) + int(shorts_mm) + charges, int(closings))
        need_im = max(need_mm, ((c * im_k + 1023) >> 10) + int(shorts_im) + charges)
        e = cash[a] + int(total)
        equity[a] = e
        im[a] = need_im
        mm[a] = need_mm
        if e < 0:
            status[a] = 3
        elif e < need_mm:
            status[a] = 2
        elif e < need_im:
            status[a] = 1
        else:
            status[a] = 0
        core[a] = c
        short_mm[a] = int(shorts_mm)
        short_im[a] = int(shorts_im)
        roll[a] = int(rolls)
        vega[a] = int(vegas)
        concentration[a] = crowd
        oracle[a] = int(oracles)
        closing[a] = int(closings)
        rounding[a] = (int(size_sum) + 1) // 2


def padded(cells: np.ndarray) -> np.ndarray:
    """Rows padded to a multiple of 8 with column 0, on a 64-byte boundary."""
    n, s = cells.shape
    table = aligned(n, (s + 7) // 8 * 8)
    table[:, :s] = cells
    table[:, s:] = cells[:, :1]
    return table


def aligned(rows: int, width: int) -> np.ndarray:
    """On a 64-byte boundary: an accumulator that lies across cache lines takes twice as long."""
    raw = np.empty(rows * width + 8)
    start = (-raw.ctypes.data % 64) // 8
    return raw[start : start + rows * width].reshape(rows, width)


# ---- pricing ----


@njit(cache=False, fastmath=True)
def greeks(forward, strike, years, vol, discount, rate, sign, price, delta, gamma, vega,
           theta):  # type: ignore[no-untyped-def]  # fmt: skip
    for i in range(len(forward)):
        f = forward[i]
        k = strike[i]
        root = math.sqrt(years[i])
        s = vol[i] * root
        inverse = 1.0 / s
        d1 = math.log(f / k) * inverse + 0.5 * s
        side = sign[i]
        n1 = 0.5 * math.erfc(-side * d1 * SQRT_HALF)
        n2 = 0.5 * math.erfc(-side * (d1 - s) * SQRT_HALF)
        density = discount[i] * INV_SQRT_2PI * math.exp(-0.5 * d1 * d1)
        d = side * discount[i]
        value = d * (f * n1 - k * n2)
        price[i] = value
        delta[i] = d * n1
        gamma[i] = density * inverse / f
        vega[i] = f * density * root
        theta[i] = (rate[i] * value - 0.5 * f * density * vol[i] / root) * (1.0 / 365.0)


@njit(cache=False, fastmath=True)
def risk_array(log_moneyness, forward, strike, root_years, vol, side, scale, base, term,
               spot, log_spot, vol_scale, vol_floor, weight, cells):  # type: ignore[no-untyped-def]  # fmt: skip
    """Whole quanta of options in every scenario; the moves' logarithms are taken once a term."""
    for i in range(len(forward)):
        t = term[i]
        for z in range(cells.shape[1]):
            s = max(vol_floor[t, z], vol[i] * vol_scale[t, z]) * root_years[i]
            d1 = (log_moneyness[i] + log_spot[t, z]) / s + 0.5 * s
            n1 = math.erfc(-side[i] * d1 * SQRT_HALF)
            n2 = math.erfc(-side[i] * (d1 - s) * SQRT_HALF)
            value = 0.5 * side[i] * (forward[i] * spot[t, z] * n1 - strike[i] * n2)
            cells[i, z] = np.rint(weight[t, z] * scale[i] * (value - base[i]))
