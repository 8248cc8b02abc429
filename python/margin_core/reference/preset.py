# SPDX-License-Identifier: Apache-2.0
"""preset.h account by account: the same columns and charges, in plain loops."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROSS, SHORT, HEDGED, LEAST_NET, SPREADS = range(5)
PER_INSTRUMENT, PER_PAIR, PER_TERM, PER_LEVEL, PER_UNIT = range(5)
INSIDE, OUTSIDE, CORE_FLOOR, UNIT_FLOOR = range(4)
PLAIN, TIERS, RAMP = range(3)
SUM, JOINT, CORRELATED, CREDITS = range(4)

Held = list[tuple[int, float]]  #: instrument and quantity, in order
Vector = NDArray[np.float64]


class Reference:
    """A preset's columns, as mc_preset_create takes them, and what they make of accounts."""

    def __init__(self, columns: dict[str, Any], charges: list[dict[str, Any]],
                 rates: list[list[dict[str, Any]]], spreads: list[list[tuple[int, int, float]]],
                 credits: list[dict[str, Any]]) -> None:  # fmt: skip
        """rates, spreads : of each charge, the rates by unit; credits : in order; as plain dicts"""
        n, u, t, j = (columns[k] for k in ("n", "n_units", "n_terms", "n_columns"))
        self.c, self.charges, self.credits = columns, charges, credits
        self.rates, self.spreads = rates, spreads
        self.value = columns["value"].reshape(n, j)
        self.weight = self._table("weight", (u, j), 1.0)
        self.dampener = self._table("dampener", (u, j), 0.0)
        self.long = self._table("long_factor", (t,), 1.0)
        self.short = self._table("short_factor", (t,), 1.0)
        self.gain_offset = self._table("gain_offset", (u,), 1.0)
        self.gain_cap = self._table("gain_cap", (u,), np.inf)
        self.folds = self._table("folds", (j,), 0).astype(bool)
        self.competitor = self._table("competitor", (j,), -1)
        self.scanned = self.competitor < 0

    def _table(self, name: str, shape: tuple[int, ...], default: float) -> Any:
        column = self.c.get(name)
        return np.full(shape, default) if column is None else column.reshape(shape)

    def standing(self, held: Held, cash: float = 0.0, provision: tuple[float, float] = (0.0, 0.0)
                 ) -> dict[str, Any]:  # fmt: skip
        """One account, by the names of mc_preset_standing; what is of units is by unit."""
        units = {u: list(of) for u, of in groupby(held, lambda x: int(self.c["unit"][x[0]]))}
        row = {u: self.row(u, of) for u, of in units.items()}
        quantum = self.c["core_quantum"]
        core = {u: max(0.0, -float(r.min())) for u, r in row.items()}
        if quantum > 0.0:
            core = {u: round(loss / quantum) * quantum for u, loss in core.items()}
        credit = self.credit(units, row, core)

        need, charged = np.zeros(2), np.zeros((len(self.charges), 2))
        for u, of in units.items():
            by_role = np.zeros((4, 2))
            for k, charge in enumerate(self.charges):
                rates = self.rates[k][u]
                amount = shaped(rates, self.amount(charge, self.spreads[k], of))
                both = np.array([rates["mm"], rates["im"]]) * amount
                by_role[charge["role"]] += both
                charged[k] += both
            inside = np.maximum(core[u] - credit[u], by_role[CORE_FLOOR]) + by_role[INSIDE]
            factor = np.array([self.c["mm_factor"], self.c["im_factor"]])
            need += factor * np.maximum(inside, by_role[UNIT_FLOOR]) + by_role[OUTSIDE]
        mm, im = need + np.array(provision)
        options = sum(q * self.c["mark"][i] for i, q in held if self.c["is_option"][i])
        return {
            "equity": cash + sum(q * self.c["mark"][i] for i, q in held),
            "option_value": options, "mm": mm, "im": im,
            "scan": sum(core[u] - credit[u] for u in units),
            "charge_mm": charged[:, 0], "charge_im": charged[:, 1],
            "unit_core": core, "unit_credit": credit, "unit_row": row,
            "unit_worst": {u: int(np.argmin(row[u])) for u in units if core[u] > 0.0},
        }  # fmt: skip

    def row(self, unit: int, held: Held) -> Vector:
        """The unit's P&L in every column, adjusted."""
        row = np.zeros(self.c["n_columns"])
        for term, of in groupby(held, lambda x: int(self.c["term"][x[0]])):
            legs = list(of)
            value = np.sum([q * self.value[i] for i, q in legs], axis=0)
            now = sum(q * self.c["base"][i] for i, q in legs)
            factor = np.where(value >= 0.0, self.long[term], self.short[term])
            pnl = self.weight[unit] * (factor * value - now)
            row += np.where(self.scanned, np.where(self.folds, -np.abs(pnl), pnl), 0.0)
            for c in range(self.c["n_competitors"]):
                mine = self.competitor == c
                rate = self.c["compete_rate"].reshape(-1, self.c["n_terms"])[c, term]
                row[mine] += rate * min(0.0, (value[mine] - now).min())
        loss = np.minimum(0.0, row + self.dampener[unit])
        gain = np.minimum(self.gain_cap[unit], self.gain_offset[unit] * row)
        return np.where(self.scanned, np.where(row < 0.0, loss, gain), row)

    def amount(self, charge: dict[str, Any], spreads: list[tuple[int, int, float]], held: Held
               ) -> float:  # fmt: skip
        """A charge's amount of one unit, before tiers and rates."""
        x = [(i, q * charge["weight"][i]) for i, q in held]
        net = abs(sum(v for _, v in x))
        if charge["form"] == LEAST_NET:
            bought = {i for i, q in held if q > 0.0 and self.c["is_option"][i]}
            return float(min(net, abs(sum(v for i, v in x if i not in bought))))
        if charge["form"] == SPREADS:
            return self.spread(charge, spreads, x)
        n = self.c["n"]
        segment = {
            PER_INSTRUMENT: np.arange(n), PER_PAIR: self.c["pair"], PER_TERM: self.c["term"],
            PER_LEVEL: charge["level"], PER_UNIT: np.zeros(n, int),
        }[charge["segment"]]  # fmt: skip
        sums: dict[int, float] = {}
        for i, v in x:
            sums[int(segment[i])] = sums.get(int(segment[i]), 0.0) + v
        if charge["form"] == SHORT:
            return float(sum(max(0.0, -v) for v in sums.values()))
        gross = sum(abs(v) for v in sums.values())
        return float(0.5 * (gross - net) if charge["form"] == HEDGED else gross)

    def spread(self, charge: dict[str, Any], spreads: list[tuple[int, int, float]], x: Held
               ) -> float:  # fmt: skip
        """Terms' sums, long against short by level, in the table's order, each side used once."""
        left = np.zeros((charge["n_levels"], 2))
        for _, of in groupby(x, lambda leg: self.c["term"][leg[0]]):
            legs = list(of)
            total = sum(v for _, v in legs)
            left[charge["level"][legs[0][0]]] += max(0.0, total), max(0.0, -total)
        amount = 0.0
        for a, b, rate in spreads:
            for long, short in {(a, b), (b, a)}:
                pairs = min(left[long, 0], left[short, 1])
                left[long, 0] -= pairs
                left[short, 1] -= pairs
                amount += rate * pairs
        return amount

    def credit(self, units: dict[int, Held], row: dict[int, Vector], core: dict[int, float]
               ) -> dict[int, float]:  # fmt: skip
        """What each unit is relieved of."""
        alone = sum(core.values())
        rule = self.c["combination"]
        if rule == CREDITS:
            return self.spread_credit(units, row, core)
        if rule == SUM or alone == 0.0:
            return dict.fromkeys(units, 0.0)
        if rule == JOINT:
            together = max(0.0, -float(np.sum(list(row.values()), axis=0).min()))
            saved = self.c["lambda_frac"] * (alone - together)
        else:
            rho = self.c["correlation"].reshape(self.c["n_units"], -1)
            squares = sum(core[a] * core[b] * rho[a, b] for a in units for b in units)
            saved = alone - max(0.0, squares) ** 0.5
        return {u: core[u] * saved / alone for u in units}

    def spread_credit(self, units: dict[int, Held], row: dict[int, Vector],
                      core: dict[int, float]) -> dict[int, float]:  # fmt: skip
        delta = {u: sum(q * self.c["delta"][i] for i, q in of) for u, of in units.items()}
        left, credit = dict(delta), dict.fromkeys(units, 0.0)
        for rule in self.credits:
            legs = list(zip(rule["unit"], rule["side"], rule["ratio"], strict=True))
            if not all(u in units for u, _, _ in legs):
                continue
            for flip in (1.0, -1.0):
                spreads = min(max(0.0, flip * side * left[u]) / ratio for u, side, ratio in legs)
                for u, side, ratio in legs:
                    left[u] -= flip * side * ratio * spreads
                    if spreads > 0.0:
                        risk = self.price_risk(u, row[u]) / abs(delta[u])
                        credit[u] += rule["credit_frac"] * spreads * ratio * risk
        return {u: min(core[u], credit[u]) for u in units}

    def price_risk(self, unit: int, row: Vector) -> float:
        """Loss at the worst column's move beyond that of no move, averaged over volatilities."""
        move = self.c["spot_move"].reshape(self.c["n_units"], -1)[unit, self.scanned]
        row = row[self.scanned]
        still = row[move == 0.0].mean() if (move == 0.0).any() else 0.0
        return max(0.0, float(still - row[move == move[np.argmin(row)]].mean()))


def shaped(rates: dict[str, Any], amount: float) -> float:
    """An amount after its tiers or ramp."""
    if rates["shape"] == PLAIN:
        return amount
    if rates["shape"] == RAMP:
        over = max(0.0, amount - rates["ramp_threshold"])
        return float(min(rates["ramp_slope"] * amount * over, rates["ramp_cap"] * amount))
    above = [*rates["above"][: rates["n_tiers"]], np.inf]
    slices = [max(0.0, min(amount, b) - a) for a, b in zip(above, above[1:], strict=False)]
    return float(sum(s * m for s, m in zip(slices, rates["multiplier"], strict=False)))
