# SPDX-License-Identifier: Apache-2.0
"""Derive: the test suites of its portfolio managers, versions 2 and 1, and its standard manager."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from margin_core.errors import FileError
from margin_core.instruments import Kind
from margin_core.pricing import black76
from margin_core.venues.answers.case import Case, Expected, Unread
from margin_core.venues.answers.record import Record
from margin_core.venues.answers.scan_account import (
    Account,
    cell,
    charge,
    equity,
    gross_value,
    label_loss,
    reported_im,
    reported_mm,
    scan_case,
)
from margin_core.venues.answers.weights_account import Key, weights_case
from margin_core.venues.weights.columns import Kind as Counts

__all__ = ["WAD", "derive_pm1", "derive_pm2", "derive_sm", "pm1_state"]

SECONDS_PER_YEAR = 365.0 * 86400.0
WAD = 10**18

# Version 2: one file a case; numbers are plain, parameters are in the file

PM2_TOLERANCE = 8.5e-15
#: Of the number, or of the gross value of the book where that is larger: on a book that cancels,
#: less than one unit in the last place of a forward cannot be told apart.
#: Scenario P&L and parts, relative to the largest of the case.
PART_TOLERANCE = 1e-13

PM2_VOL = {"Up": "up", "Down": "down", "None": "same"}


def derive_pm2(data: Record, name: str) -> Iterator[Unread]:
    """One case: IM and MM are judged, the parts they are made of are shown."""
    yield Unread(name, partial(_pm2_case, data, name))


def _pm2_case(data: Record, name: str) -> Case:
    scenario, parameters, result = (data.record(k) for k in ("Scenario", "Parameters", "Result"))
    spot, certain = scenario["SpotPrice"], scenario["SpotConfidence"]
    account = Account(
        units={"SPOT": (spot, certain)},
        cash=scenario["Cash"] + scenario["UnrealisedPerpPNL"] + scenario["UnrealisedFunding"],
        stable_usd=scenario["StablePrice"],
    )
    if scenario["NumPerps"]:
        account.hold("PERP", Kind.PERPETUAL, scenario["NumPerps"], scenario["PerpPrice"],
                     confidence=scenario["PerpConfidence"])  # fmt: skip
    for asset in scenario.records("Collaterals", optional=True):
        account.hold(asset.text("Name"), Kind.SPOT, asset["Amount"], asset["Price"],
                     confidence=asset["Confidence"])  # fmt: skip
    feeds = {feed["FeedExpiry"]: feed for feed in scenario.records("OptionFeeds", optional=True)}
    for option in scenario.records("Options", optional=True):
        call = option.flag("IsCall")
        if option["Expiry"] not in feeds:
            raise FileError(f"{option.where}: Expiry {option['Expiry']} has no feed")
        feed = feeds[option["Expiry"]]
        account.hold(
            f"{option['Expiry']}-{option['Strike']}-{'PC'[call]}",
            Kind.CALL if call else Kind.PUT,
            option["Amount"],
            feed["Forward"],
            years=option["Expiry"] / SECONDS_PER_YEAR,
            strike=option["Strike"],
            vol=option["MarkVol"],
            rate=feed["Rate"],
            term_confidence=min(feed["ForwardConfidence"], feed["RateConfidence"],
                                feed["OptionVolConfidences"]),
        )  # fmt: skip
    overrides = _pm2_overrides(parameters, scenario.records("Collaterals", optional=True))
    expected = list(_pm2_expected(parameters, result))
    return scan_case(name, "derive_pm2", overrides, account, expected)


def _pm2_overrides(parameters: Record, assets: list[Record]) -> dict[str, Any]:
    skew, vol, margin = (parameters.record(key) for key in ("SkewShock", "VolShock", "Margin"))
    basis, other = parameters.record("BasisContingency"), parameters.record("OtherContingency")

    def skews(name: str) -> dict[str, Any]:
        return {
            "cap_base": skew[f"{name}_SCALE_CAP"],
            "cap_per_root_year": skew[f"{name}_CBASE"],
            "k_star_min": skew["MIN_K_STAR"],
            "width_scale": skew["MIN_WIDTH_SCALE"],
            "vol_static": skew["VOL_PARAM_STATIC"],
            "vol_per_root_year": skew["VOL_PARAM_SCALE"],
        }

    rows = [[row["SpotShock"] - 1.0, _pm2_vol(row.text("VolShockDirection")),
             row["DampeningFactor"]] for row in parameters.records("Scenarios")]  # fmt: skip
    return {
        "sources": {"case": "the case's own parameters"},
        "vol_term": {
            "days_floor": vol["DTE_FLOOR"],
            "power_short": vol["SHORTTERMPOWER"],
            "power_long": vol["LONGTERMPOWER"],
        },
        "units": {"*": {
            "vol_up_frac": vol["VOLRANGEUP"],
            "vol_down_frac": vol["VOLRANGEDOWN"],
            "vol_up_min": vol["MIN_VOL_EVAL_SHOCKED"],
        }},
        "assets": [
            {
                "name": asset.text("Name"),
                "follows_spot": asset.flag("IsRiskCancelling"),
                "haircut_mm": asset["MMHaircut"],
                "haircut_im_extra": asset["IMHaircut"],
                "source": "case",
            }
            for asset in {asset.text("Name"): asset for asset in assets}.values()
        ],
        "skews": {"linear": skews("LINEAR"), "abs": skews("ABS")},
        "scenarios": [{"label": "scan", "kind": "rows", "rows": rows, "source": "case"}],
        "competitors": {"basis": {
            "moves": [basis["SCENARIO_SPOT_UP"] - 1.0, basis["SCENARIO_SPOT_DOWN"] - 1.0],
            "add": basis["BASIS_CONT_ADD_FACTOR"],
            "per_year": basis["BASIS_CONT_MULT_FACTOR"],
        }},
        "static_discount": {
            "long_base": margin["BASE_STATIC_DISCOUNT"],
            "long_rate_mult": margin["LONG_RATE_MULTSCALE"],
            "long_rate_add": margin["LONG_RATE_ADDSCALE"],
            "short_base": margin["BASE_STATIC_DISCOUNT_NEG"],
            "short_rate_mult": margin["SHORT_RATE_MULTSCALE"],
            "short_rate_add": margin["SHORT_RATE_ADDSCALE"],
        },
        "charges": {
            "perpetual": {"rate": other["MM_PERP_PERCENT"],
                          "rate_im_extra": other["IM_PERP_PERCENT"]},
            "naked_short": {"rate": other["MM_OPTION_PERCENT"],
                            "rate_im_extra": other["IM_OPTION_PERCENT"]},
            "oracle": {"threshold": other["CONF_THRESHOLD"], "rate_im_extra": other["CONF_MARGIN"]},
        },
        "factors": {
            "im": margin["IM_LOSS_FACTOR"],
            "mm": margin["MM_LOSS_FACTOR"],
            "peg_threshold": other["PEG_LOSS_THRESHOLD"],
            "peg_slope": other["PEG_LOSS_FACTOR"],
        },
    }  # fmt: skip


def _losses(result: Record, key: str) -> list[tuple[str, float]]:
    """Rows of [what is shocked ..., loss]; the loss is text."""
    out = []
    for i, row in enumerate(result.raw(key) if isinstance(result.raw(key), list) else [None]):
        try:
            out.append((str(row[:-1]), float(row[-1])))
        except (TypeError, ValueError, IndexError):
            raise FileError(f"{result.where}.{key}.{i}: is no row that ends in a loss") from None
    return out


def _pm2_vol(direction: str) -> str:
    """LINEAR, ABS and the JSON's *_SPOT_SHOCK variants are skews; spot stays in all of them."""
    return PM2_VOL.get(direction) or direction.split("_")[0].lower()


def _pm2_expected(parameters: Record, result: Record) -> Iterator[Expected]:
    yield Expected("IM", result["IM"], reported_im, PM2_TOLERANCE, gross_value)
    yield Expected("MM", result["MM"], reported_mm, PM2_TOLERANCE, gross_value)
    losses = {
        False: _losses(result, "reg_losses") + _losses(result, "tail_losses"),
        True: _losses(result, "skew_losses"),
    }
    largest = max(1e-300, *(abs(loss) for rows in losses.values() for _, loss in rows))
    taken = {False: 0, True: 0}
    for z, row in enumerate(parameters.records("Scenarios")):
        skew = row.text("VolShockDirection") not in PM2_VOL
        if taken[skew] >= len(losses[skew]):
            raise FileError(f"{result.where}: fewer losses than scenarios")
        label, loss = losses[skew][taken[skew]]
        taken[skew] += 1
        if not (
            skew and row["SpotShock"] != 1
        ):  # the JSON shocks spot there, the contract does not
            yield Expected(f"row {z} {label}", loss, cell(z), PART_TOLERANCE, largest, part=True)
    money = max(abs(result["IM"]), abs(result["MM"]), largest)
    for name, value, ours in (
        ("ForwardContingency", result["ForwardContingency"], cell(-1)),
        ("OracleCont", -result["OracleCont"], charge("oracle", im=True)),
        ("PortfolioMTM", result["PortfolioMTM"], equity),
        ("MMBaseCont", -result["MMBaseCont"], charge("collateral")),
        ("IMBaseContNormal", -result["IMBaseContNormal"],
         charge("collateral", "collateral_im", im=True)),
        ("MMPerpCont", -result["MMPerpCont"], charge("perpetual")),
        ("IMPerpContNormal", -result["IMPerpContNormal"], charge("perpetual", im=True)),
        ("MMOptionCont", -result["MMOptionCont"], charge("naked_short")),
        ("IMOptionContNormal", -result["IMOptionContNormal"], charge("naked_short", im=True)),
    ):  # fmt: skip
        yield Expected(name, value, ours, PART_TOLERANCE, money, part=True)


# Version 1: numbers are whole 1e-18, parameters are not in the file

PM1_TOLERANCE = 1e-8
#: The suite's parameters, solved from its answers: grid and volatility ranges from VolShockUp and
#: VolShockDown (exponents .3 and .13, floor one day) and a lone perpetual's MinSpan (15 %);
#: percents from the contingencies of Test16 and Test19; confMargin from Test4; rate_mult 4 and
#: rate_add .05 from MinSpan of Test4, Test13 and Test19 together (least squares, residual 1e-13);
#: basis .25 + .01 years at +-5 % from ForwardContingency (residual 1e-14). No public case has a
#: depeg or a confidence in (.5, .8): threshold and peg are those of the version 2 suite.
PM1_SUITE: dict[str, Any] = {
    "sources": {"case": "solved from the known answers"},
    "units": {"*": {"vol_up_frac": 0.45, "vol_down_frac": 0.3}},
    "scenarios": [{
        "label": "scan",
        "kind": "rows",
        "rows": [[move, vol, 1.0] for move in (0.15, 0.1, 0.05, 0.0, -0.05, -0.1, -0.15)
                 for vol in ("up", "same", "down")],
        "source": "case",
    }],
    "competitors": {"basis": {"moves": [0.05, -0.05], "add": 0.25, "per_year": 0.01}},
    "static_discount": {"long_base": 0.95, "long_rate_mult": 4.0, "long_rate_add": 0.05},
    "charges": {
        "perpetual": {"rate": 0.02},
        "base": {"rate": 0.02},
        "naked_short": {"rate": 0.01},
        "oracle": {"rate_im_extra": 0.5, "threshold": 0.55},
    },
    "factors": {"im": 1.3, "peg_threshold": 0.98, "peg_slope": 2.0},
}  # fmt: skip


def derive_pm1(data: Record, _: str) -> Iterator[Unread]:
    """IM and MM are judged, the parts they are made of are shown."""
    cases = data.record("cases")
    for name in cases:
        yield Unread(name, partial(_pm1_case, cases, name))


def _pm1_case(cases: Record, name: str) -> Case:
    case = cases.record(name)
    scenario, result = case.record("Scenario"), case.record("Result")
    scale = max(abs(result[key] / WAD) for key in ("InitialMarginCalc", "MinSpan"))
    expected = [
        Expected("IM", result["InitialMarginCalc"] / WAD, reported_im, PM1_TOLERANCE),
        Expected("MM", result["MaintenanceMarginCalc"] / WAD, reported_mm, PM1_TOLERANCE),
        Expected("MinSpan", -result["MinSpan"] / WAD, label_loss("scan"), PM1_TOLERANCE,
                 scale, part=True),
        Expected("ForwardContingency", result["ForwardContingency"] / WAD, cell(-1),
                 PM1_TOLERANCE, scale, part=True),
        Expected("OracleContingency", -result["OracleContingency"] / WAD,
                 charge("oracle", im=True), PM1_TOLERANCE, scale, part=True),
        Expected("Base + Perp + Option", -sum(
            result[f"{which}Contingency"] for which in ("Base", "Perp", "Option")
        ) / WAD, charge("base", "perpetual", "naked_short"), PM1_TOLERANCE, scale, part=True),
    ]  # fmt: skip
    return scan_case(name, "derive_pm1", PM1_SUITE, _pm1_account(scenario), expected)


def pm1_state(scenario: Record, now_s: float) -> Callable[[], tuple[float, float]]:
    """How to compute a portfolio's equity and its maintenance requirement at a time."""
    case = scan_case("", "derive_pm1", PM1_SUITE, _pm1_account(scenario, now_s), [])

    def solve() -> tuple[float, float]:
        answer = case.solve()
        return equity(answer), equity(answer) - reported_mm(answer)

    return solve


def _pm1_account(scenario: Record, now_s: float = 0.0) -> Account:
    def wad(key: str) -> Any:
        if isinstance(scenario.raw(key), list):
            return [x / WAD for x in scenario.list(key)]
        return scenario[key] / WAD

    account = Account(
        units={"SPOT": (wad("SpotPrice"), wad("SpotConfidence"))},
        cash=wad("Cash") + wad("UnrealisedPerpPNL") + wad("UnrealisedFunding"),
        stable_usd=wad("StablePrice"),
    )
    if scenario["Perps"]:
        account.hold("PERP", Kind.PERPETUAL, wad("Perps"), wad("PerpPrice"),
                     confidence=wad("PerpConfidence"))  # fmt: skip
    if scenario["Base"]:
        account.hold("SPOT", Kind.SPOT, wad("Base"), wad("SpotPrice"))
    feeds = {expiry: {**dict(zip(("forward", "fixed", "rate"), values[:3], strict=True)),
                      "confidence": min(values[3:])}
             for expiry, *values in zip(
                 scenario.list("FeedExpiries"), wad("ForwardsVariable"), wad("ForwardsFixed"),
                 wad("Rates"), wad("ForwardConfidences"), wad("RateConfidences"),
                 strict=True)}  # fmt: skip
    for expiry, strike, call, amount, vol, confidence in zip(
        scenario.list("OptionExpiries"), wad("OptionStrikes"), scenario.list("OptionIsCall"),
        wad("OptionAmounts"), wad("OptionVols"), wad("OptionVolConfidences"), strict=True,
    ):  # fmt: skip
        feed = feeds[expiry]
        account.hold(
            f"{expiry}-{strike:g}-{'PC'[call]}",
            Kind.CALL if call else Kind.PUT,
            amount,
            feed["forward"],
            fixed=feed["fixed"],
            years=(expiry - now_s) / SECONDS_PER_YEAR,
            strike=strike,
            vol=vol,
            rate=feed["rate"],
            term_confidence=min(feed["confidence"], confidence),
        )
    return account


# Standard manager: numbers are whole 1e-18, margins a surplus

SETTLEMENT_S = 1800  # the last 30 minutes settle on a TWAP
UNITS = ("ETH", "BTC")
SM_TOLERANCE = 1e-8
#: The suite's configuration, read off its answers: which number decides which is in docs/venues.
#: The confidence of bases and perpetuals, and the perpetuals' depeg, no case charges.
_SM_CONTINGENCIES: dict[str, Any] = {
    "confidence": {"threshold": 0.55, "factor": 0.4},
    "depeg": {"threshold": 0.98, "factor": 1.2},
}
SM_SUITE: dict[str, Any] = {
    "sources": {"case": "read off the known answers"},
    "classes": [
        {
            "names": ["ETH", "BTC"],
            "source": "case",
            "weights": {h: {"long": 0.1, "short": 1.0} for h in ("init", "maint")},
            "confidence": _SM_CONTINGENCIES["confidence"],
        },
        {
            "names": ["ETH-PERP", "BTC-PERP"],
            "source": "case",
            "weights": {
                "init": {"long": 0.065, "short": 0.065},
                "maint": {"long": 0.05, "short": 0.05},
            },
            **_SM_CONTINGENCIES,
        },
        {
            "names": ["ETH-CALL", "BTC-CALL"],
            "source": "case",
            "options": {
                "init": {"spot_max": 0.15, "spot_min": 0.10, "unpaired": 1.2},
                "maint": {"spot_max": 0.075, "spot_min": 0.075, "unpaired": 1.1},
            },
            **_SM_CONTINGENCIES,
        },
        {
            "names": ["ETH-PUT", "BTC-PUT"],
            "source": "case",
            "options": {
                "init": {"spot_max": 0.15, "spot_min": 0.10, "floor": 1.05, "floor_of": "maint"},
                "maint": {"spot_max": 0.075, "spot_min": 0.075, "mark": 0.075},
            },
            **_SM_CONTINGENCIES,
        },
    ],
}


def derive_sm(data: Record, _: str) -> Iterator[Unread]:
    """Margins, P&L, every leg and every contingency are judged."""
    cases = data.record("cases")
    for name in cases:
        yield Unread(name, partial(_sm_case, cases, name))


def _sm_case(cases: Record, name: str) -> Case:
    case = cases.record(name)
    s, r = case.record("Scenario"), case.record("Result")
    rows: list[dict[str, Any]] = [{"name": "USDC", "price": 1.0}]
    holdings: dict[str, Any] = {"USDC": s["Cash"] / WAD}
    for u, unit in enumerate(UNITS):
        _derive_unit(s, u, unit, rows, holdings)
    for i, option in enumerate(_sm_options(s)):
        _derive_option(s, i, option, rows, holdings)
    expected = _derive_expected(s, r)
    return weights_case(name, "derive_sm", SM_SUITE, rows, {"holdings": holdings}, expected,
                       SM_TOLERANCE, stable=s["USDCValue"] / WAD)  # fmt: skip


def _derive_unit(s: Record, u: int, unit: str, rows: list[Any], holdings: dict[str, Any]) -> None:
    """The spot and the perpetual of a unit; P&L and funding since entry are the perp's quote."""
    spot, perp = s[f"{unit}SpotPrice"] / WAD, s.list("PerpPrice")[u] / WAD
    sure, perp_sure = (x / WAD for x in s.list("SpotPerpConfidences")[u])
    rows.append({"name": unit, "price": spot, "index": spot, "confidence": sure})
    rows.append(
        {"name": f"{unit}-PERP", "kind": Counts.POSITION, "unit": unit, "settle": "USDC",
         "price": perp, "index": spot, "confidence": min(sure, perp_sure)}
    )  # fmt: skip
    quantity = s[f"Perps_{unit}"] / WAD
    entry = _or(s, f"LastEntry{unit}", s.list("PerpPrice")[u]) / WAD
    funding = _or(s, f"Account{unit}FundingIndex", s[f"{unit}GlobalFundingIndex"])
    paid = (s[f"{unit}GlobalFundingIndex"] - funding) / WAD
    holdings[unit] = s[f"w{unit}"] / WAD
    if quantity:
        holdings[f"{unit}-PERP"] = quantity, -quantity * (entry + paid)


def _or(s: Record, key: str, default: Any) -> Any:
    return default if s.raw(key) is None else s[key]


class _Option(NamedTuple):
    unit: str
    seconds: float
    strike: float
    call: bool
    quantity: float
    vol: float
    vol_sure: float
    forward: float
    forward_sure: float


def _sm_options(s: Record) -> list[_Option]:
    units, calls = s.raw("OptionUnderlying"), s.list("OptionIsCall")
    columns = s.columns("OptionExpiries", "OptionStrikes", "OptionIsCall", "OptionAmounts",
                        "OptionVols", "OptionVolConfidences", "Forwards",
                        "ForwardConfidences")  # fmt: skip
    if not isinstance(units, list) or len(units) != len(calls) or set(units) - set(UNITS):
        raise FileError(f"{s.where}.OptionUnderlying: must be one of {', '.join(UNITS)} an option")
    return [_Option(unit, e, k / WAD, bool(c), q / WAD, v / WAD, vs / WAD, f / WAD, fs / WAD)
            for unit, (e, k, c, q, v, vs, f, fs) in zip(units, columns, strict=True)]  # fmt: skip


def _derive_option(
    s: Record, i: int, option: _Option, rows: list[Any], holdings: dict[str, Any]
) -> None:
    unit, seconds, strike, call = option[:4]
    forward = option.forward
    if seconds < SETTLEMENT_S:
        fixed = s[f"PercentFixed{unit}"]
        forward = (1 - fixed) * forward + fixed * s[f"TWAP_{unit}"] / WAD
    spot_sure = s.list("SpotPerpConfidences")[UNITS.index(unit)][0]
    sure = min(spot_sure / WAD, option.forward_sure, option.vol_sure)
    years = max(0.0, seconds / SECONDS_PER_YEAR)
    mark = float(black76(forward, strike, years, option.vol, call, greeks=("price",)).price)
    side = "CALL" if call else "PUT"
    name = f"{unit}-{seconds}-{strike:g}-{side}-{i}"
    rows.append(
        {"name": name, "cls": f"{unit}-{side}", "kind": Counts[side], "unit": unit,
         "expiry": seconds, "index": s[f"{unit}SpotPrice"] / WAD, "forward": forward,
         "strike": strike, "mark": mark, "confidence": sure}
    )  # fmt: skip
    holdings[name] = option.quantity


def _derive_expected(s: Record, r: Record) -> dict[Key, float]:
    """Not read: Hand* (the venue's second computation of real*); *Bounded* where more than one
    expiry or a settling one is held: there they pool expiries and take the raw forward; the
    portfolio's value where there is cash, which it may or may not include."""
    expected = {
        ("maint", "health", ""): r["realMM"],
        ("init", "health", ""): r["realIM"],
        ("maint", "pnl", ""): r["UnrealizedPNL"] + r["UnsettledFunding"],
        ("maint", "part", "positions"): -r["PerpMargin"],
        ("init", "part", "confidence"): -r["OracleConts"],
        ("init", "part", "depeg"): -r["DepegIMs"],
        ("maint", "balances", "USDC"): r["BaseMargin"],
    }
    if s["Cash"] == 0:
        expected["maint", "mtm", "USDC"] = r["PortfolioMtM"]
    for unit in UNITS:
        expiries = {option.seconds for option in _sm_options(s) if option.unit == unit}
        plain = len(expiries) <= 1 and all(e >= SETTLEMENT_S for e in expiries)
        for health, short in (("maint", "MM"), ("init", "IM")):
            expected[health, "options", unit] = -r[f"{unit}Option{short}"]
            expected[health, "isolated", unit] = -r[f"{unit}OptionIsolated{short}"]
            if plain:
                expected[health, "max_loss", unit] = -r[f"{unit}OptionBounded{short}"]
    return {key: value / WAD for key, value in expected.items()}
