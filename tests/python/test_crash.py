# SPDX-License-Identifier: Apache-2.0
"""A crash against a synthetic venue: what holds whatever the event and the draw."""

import numpy as np
import pytest

from margin_core.cli import main
from margin_core.crash.simulate import crash
from margin_core.errors import ArgumentError, UnknownInstrumentError
from margin_core.replay import find_event, read_events

OCTOBER, MARCH = "cascade_2025_10_10", "black_thursday_2020_03_12"


def event(name):
    return find_event(read_events(builtin="crash"), name)


@pytest.fixture(scope="module")
def october():
    return crash(event(OCTOBER), n_accounts=1_500, seeds=[0, 1])


def mean(found, thresholds, liquidation, name):
    return np.mean([run.totals[name] for run in found.of(thresholds, liquidation)])


def test_money_is_conserved_at_every_step(october):
    for run in october.runs:
        assert run.totals["residual_quanta"] == 0
        assert run.totals["adl_excess_quanta"] <= 1
        paid = sum(run.totals[f"{who}_usd"] for who in ("insurance", "adl", "socialised"))
        assert paid <= run.totals["bad_debt_usd"] * (1 + 1e-9) + 1e-6


def test_in_october_plans_and_depth_budgets_cut_both_figures(october):
    """The claim of the docs: against static ranges of equal average margin with whole accounts
    closed at once, in every draw."""
    for seed in (0, 1):
        conventional, ours = (
            next(r for r in october.of(*which) if r.seed == seed).totals
            for which in (("static", "at once"), ("dynamic", "planned"))
        )
        assert ours["liquidated"] < 0.7 * conventional["liquidated"]
        assert ours["bad_debt_usd"] <= conventional["bad_debt_usd"]
        assert ours["adl_usd"] <= conventional["adl_usd"]


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
     [OCTOBER, "--accounts", "1"]],
)  # fmt: skip
def test_the_command_says_what_is_wrong_in_one_line(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["crash", *arguments])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
