# SPDX-License-Identifier: Apache-2.0
"""A crash against a synthetic venue: what holds whatever the event and the draw."""

import numpy as np
import pytest

from margin_core.cli import main
from margin_core.crash.impact import Impact
from margin_core.crash.path import is_crash
from margin_core.crash.simulate import crash
from margin_core.crash.venue import QUANTUM, Venue
from margin_core.dynamics.bars import read_bars
from margin_core.errors import ArgumentError, UnknownInstrumentError
from margin_core.replay import find_event, read_events

SEEDS = (0, 1, 2)
OCTOBER, MARCH = "cascade_2025_10_10", "black_thursday_2020_03_12"


def event(name):
    return find_event(read_events(builtin="crash"), name)


@pytest.fixture(scope="module")
def october():
    return crash(event(OCTOBER), n_accounts=1_500, seeds=SEEDS)


@pytest.fixture(scope="module")
def march(shared):
    folder = shared / "data" / "prices"
    if not folder.is_dir():
        pytest.skip(f"no prices in {folder}")
    bars = read_bars([folder / f"binance_{u}USDT_1h_2017_2021.parquet" for u in ("BTC", "ETH")])
    found = crash(event(MARCH), bars, n_accounts=1_500, seeds=SEEDS[:2])
    assert found.paths[0].recorded == ("BTC", "ETH")
    return found


def mean(found, thresholds, liquidation, name):
    return np.mean([run.totals[name] for run in found.of(thresholds, liquidation)])


def test_money_is_conserved_at_every_step(october):
    for run in october.runs:
        assert run.totals["residual_quanta"] == 0
        assert run.totals["adl_excess_quanta"] <= 1
        paid = sum(run.totals[f"{who}_usd"] for who in ("insurance", "adl", "socialised"))
        assert paid <= run.totals["bad_debt_usd"] * (1 + 1e-9) + 1e-6


def test_a_price_that_goes_to_nothing_is_no_crash_to_play():
    """Terra's LUNA: a millionth of its price left. Ten contracts of a cent are no risk lot."""
    one = event(OCTOBER)
    for fall, listed in ((-0.95, True), (-0.999999, False)):
        spot = {"BTC": -0.25, "LUNA": fall}
        shock = one.shock.model_copy(update={"spot": spot, "liquidity": {"LUNA": 0.01}})
        other = one.model_copy(update={"shock": shock})
        assert is_crash(other) == listed
        if listed:
            crash(other, n_accounts=50, impact=0.0)
        else:
            with pytest.raises(ArgumentError, match="none to nothing"):
                crash(other, n_accounts=50, impact=0.0)


def test_nobody_is_liquidated_before_the_crash_begins(october):
    for run in october.runs:
        path = october.paths[run.seed]
        still = (path.price_usd == path.price_usd[0]).all(axis=1)
        assert still.sum() > 5 and run.liquidated[still].max() == 0


def test_in_october_plans_and_depth_budgets_cut_both_figures(october):
    """The claim of the docs: against static ranges of equal average margin with whole accounts
    closed at once. Fewer accounts in every draw, and never more than the fund pays; bad debt over
    all of them, for a draw may have next to none."""
    for seed in SEEDS:
        conventional, ours = (
            next(r for r in october.of(*which) if r.seed == seed).totals
            for which in (("static", "at once"), ("dynamic", "planned"))
        )
        assert ours["liquidated"] < 0.7 * conventional["liquidated"]
        assert ours["adl_usd"] == 0.0
    for name in ("bad_debt_usd", "closed"):
        ours = mean(october, "dynamic", "planned", name)
        assert ours <= 0.5 * mean(october, "static", "at once", name)


def test_in_march_fewer_are_liquidated_and_hardly_any_debt_is_left(march):
    """Recorded prices halve, and sales at once leave no debt: what is left to do is to liquidate
    fewer without one. Hardly any: a hundredth of the fund, itself a hundredth of all capital."""
    ours, conventional = ("dynamic", "planned"), ("static", "at once")
    assert mean(march, *ours, "liquidated") < mean(march, *conventional, "liquidated")
    assert mean(march, *ours, "bad_debt_usd") < 1e-4 * 250e6
    for run in march.of(*ours):
        assert run.totals["adl_usd"] == run.totals["socialised_usd"] == 0.0


def test_steps_are_fine_while_prices_move_and_include_full_hours(october):
    path = october.paths[0]
    second = (path.time_ns - path.time_ns[0]) // 10**9
    assert set(np.diff(second)) <= {60 * k for k in range(1, 6)}
    assert set(range(0, int(second[-1]), 3600)) <= set(second.tolist())
    moved = np.abs(np.diff(np.log(path.price_usd), axis=0)).max(axis=1)
    assert (np.diff(second)[moved > 0.01] == 60).all()


def test_the_ladder_of_a_plan_costs_what_the_impact_says(october):
    """Plans and sales at once meet one book: what a ladder charges for selling as much as the
    depth, from a price that is displaced already, is the law's area, rounded up level by level."""
    path = october.paths[0]
    venue, price = Venue(path), path.price_usd[0]
    margin = venue.margin(price, venue.base)
    whole, none = np.ones(len(price)), np.zeros(len(price))
    impact = Impact(np.full(len(price), 1e7), venue.impact_frac, half_life_s=900.0)
    impact.flow_usd = np.full(len(price), 3e6)
    depth = venue.depth(margin, impact, whole, none)
    marks = margin.risk.column("mark")
    for u, row in enumerate(venue.row.tolist()):
        first, last = depth._offset[2 * row], depth._offset[2 * row + 1]
        lots = np.cumsum(depth._lots[first:last])
        charged = np.cumsum(depth._lots[first:last] * depth._cost[first:last]) * QUANTUM
        law = impact.area(u, lots * marks[row] * QUANTUM, whole)
        assert (charged >= law).all() and np.allclose(charged, law, rtol=1e-4, atol=lots[-1] * 1e-5)


def test_both_ranges_take_the_same_margin_on_average(october):
    path = october.paths[0]
    assert path.hour_usd.shape[1] == len(path.units) >= 4
    static = mean(october, "static", "planned", "range_before_BTC")
    dynamic = mean(october, "dynamic", "planned", "range_before_BTC")
    assert 0.5 < dynamic / static < 2.0


def test_without_impact_the_venue_follows_the_prices_outside():
    found = crash(event(OCTOBER), n_accounts=300, impact=0.0)
    for run in found.runs:
        assert np.allclose(run.mark_usd, found.paths[0].price_usd, rtol=1e-9)


def test_more_impact_pushes_prices_further():
    pushed = []
    for impact in (0.3, 1.0, 3.0):
        runs = crash(event(OCTOBER), n_accounts=300, impact=impact).of("static", "at once")
        pushed.append(runs[0].totals["displaced_BTC"])
    assert pushed[0] < pushed[1] < pushed[2]


def test_a_deeper_book_is_never_pushed_further():
    sold, whole = np.array([4e6, -1e6]), np.ones(2)
    pushed, given_up = [], []
    for depth_usd in (1e6, 5e6, 2e7):
        impact = Impact(np.full(2, depth_usd), np.array([0.02, 0.05]), half_life_s=900.0)
        given_up.append(impact.sell(sold, whole))
        pushed.append(np.abs(impact.displacement(whole)))
    assert (np.diff(pushed, axis=0) < 0).all() and (np.diff(given_up, axis=0) < 0).all()


def test_a_crash_that_ruins_nearly_everybody_is_booked_to_the_end():
    """Losses and gains in one step: nothing may be realised while a loss is open."""
    runs = crash(event(OCTOBER), n_accounts=1_000, impact=4.0).runs
    assert max(run.totals["bad_debt_usd"] for run in runs) > 0.1 * 250e6
    assert all(run.totals["residual_quanta"] == 0 for run in runs)


def test_the_same_seed_gives_the_same_run():
    one, two = (crash(event(OCTOBER), n_accounts=200, seeds=[5]) for _ in range(2))
    for a, b in zip(one.runs, two.runs, strict=True):
        assert a.totals == b.totals and (a.mark_usd == b.mark_usd).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_accounts": 3}, "n_accounts"),
        ({"impact": -1.0}, "impact"),
        ({"window_days": 0.0}, "window_days"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [1, 1]}, "seeds"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        crash(event(OCTOBER), **options)


def test_an_event_that_is_not_there_names_those_that_are():
    with pytest.raises(UnknownInstrumentError, match=OCTOBER):
        find_event(read_events(builtin="crash"), "1929")


def done(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["crash", *arguments])
    assert not ended.value.code


def test_the_command_lists_and_plays(capsys, tmp_path):
    done()
    listed = capsys.readouterr().out
    assert OCTOBER in listed and MARCH in listed
    out, picture = tmp_path / "runs.csv", tmp_path / "crash.png"
    done(OCTOBER, "--accounts", "200", "--seeds", "1", "--out", str(out), "--picture", str(picture))
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    assert "residual was 0 quanta" in " ".join(shown.split())
    assert len(out.read_text().splitlines()) == 5 and picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    "arguments",
    [["1929"], [OCTOBER, "--prices", "nothing.csv"], [OCTOBER, "--out", "x.exe"],
     [OCTOBER, "--accounts", "1"], [OCTOBER, "--accounts", "300", "--impact", "100"]],
)  # fmt: skip
def test_the_command_says_what_is_wrong_in_one_line(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["crash", *arguments])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
