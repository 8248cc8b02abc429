# SPDX-License-Identifier: Apache-2.0
"""Recorded oracle faults: what a believing engine does, and what ours does instead."""

import copy
import json

import pytest

pytest.importorskip("click")

from margin_core.cli import main
from margin_core.errors import FileError, UnknownInstrumentError
from margin_core.replay import find_event, read_events, replay

EVENT = {
    "id": "one", "name": "One venue", "date_utc": "2020-01-01",
    "classes": ["single_venue_manipulation"], "what": "A made-up fault.",
    "loss": {"usd": 1e6}, "sources": ["https://example.org"],
    "shock": {"horizon_s": 600, "oracle_dev": {"ABC": 0.5}, "liquidity": {"ABC": 0.1}},
    "provenance": {"oracle_dev.ABC": "S", "horizon_s": "A (a guess)"},
    "pass_criteria": ["P1", "P2", "P3", "P5", "P11"],
}  # fmt: skip


def written(folder, **changes):
    event = copy.deepcopy(EVENT)
    shock = changes.pop("shock", {})
    event.update(changes)
    event["shock"].update(shock)
    path = folder / "events.json"
    path.write_text(json.dumps({"schema": "margin_core.black_swans/1", "scenarios": [event]}))
    return path


def run_of(folder, **changes):
    (event,) = read_events(written(folder, **changes))
    (run,) = replay(event)
    return run


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["replay", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("margin-core: ") and err.count("\n") == 1
    return err


def shown(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["replay", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    return out


def test_no_fault_of_the_package_liquidates_anybody_wrongly():
    for event in read_events():
        for run in replay(event):
            assert run.guarded.liquidated_frac == run.guarded.lent_frac == 0
            assert max(run.without.liquidated_frac, run.without.lent_frac) > 0.1
            assert all(run.verdicts.values()), (event.id, run.verdicts)


def test_no_recorded_oracle_fault_liquidates_anybody_wrongly(shared):
    """Reach: 0 wrongful liquidations in every oracle-fault replay."""
    events = [e for e in read_events(shared / "data" / "black_swans.json") if e.is_oracle_fault]
    played = {event.id: replay(event) for event in events}
    runs = [run for found in played.values() for run in found]
    assert len(events) >= 20 and len(runs) >= len(events)
    assert all(run.guarded.liquidated_frac == 0 for run in runs)
    assert all(run.guarded.lent_frac <= 0 for run in runs)
    assert all(all(run.verdicts.values()) for run in runs)
    assert [name for name, found in played.items() if not found] == ["drift_2026_04_01"]


@pytest.mark.parametrize(
    ("changes", "fault", "said"),
    [
        ({}, "one source", "outlier"),
        ({"classes": ["oracle_unit_error"]}, "all sources", "jump"),
        ({"classes": ["exchange_rate_donation"]}, "contract", "jump"),
        ({"classes": ["quorum_loss"], "shock": {"oracle_sources_live": 2}}, "few sources",
         "no_quorum"),
        ({"classes": ["hardcoded_oracle"]}, "constant", "old"),
        ({"classes": ["oracle_floor"], "shock": {"oracle_stale_s": 900, "spot": {"ABC": -0.5}}},
         "frozen", "old"),
        ({"shock": {"oracle_conf": {"ABC": 4.0}}}, "one source", "unsure"),
    ],
)  # fmt: skip
def test_the_part_that_failed_is_read_from_the_class(tmp_path, changes, fault, said):
    run = run_of(tmp_path, **changes)
    assert run.fault == fault
    assert said in run.reasons
    assert run.guarded.liquidated_frac == 0 and run.guarded.lent_frac <= 0
    assert all(run.verdicts.values())


def test_an_engine_that_believes_pays_by_the_size_of_the_lie(tmp_path):
    """Half of the accounts are short; 65 % is lent on a price that is twice the true one."""
    run = run_of(tmp_path, shock={"oracle_dev": {"ABC": 1.0}})
    assert run.without.liquidated_frac == 0.5
    assert run.without.lent_frac == pytest.approx(0.65 * 2 - 1)
    assert run_of(tmp_path, shock={"oracle_dev": {"ABC": -1.0}}).without.liquidated_frac == 0.5


def test_a_fault_that_the_guard_lets_through_is_a_missed_criterion(tmp_path, capsys):
    """30 % on every source for two hours outlasts the wait for a jump of that size."""
    path = written(tmp_path, classes=["oracle_unit_error"],
                   shock={"oracle_dev": {"ABC": 0.3}, "horizon_s": 7200})  # fmt: skip
    (run,) = replay(read_events(path)[0])
    assert run.guarded.liquidated_frac > 0 and run.verdicts["P1"] is False
    with pytest.raises(SystemExit) as ended:
        main(["replay", "one", "--events", str(path)])
    assert ended.value.code == 1
    assert "P1 MISSED" in capsys.readouterr().out


def test_what_no_price_can_show_is_not_replayed(tmp_path, capsys):
    path = written(tmp_path, classes=["fake_collateral"])
    assert replay(read_events(path)[0]) == []
    assert "cannot see" in shown(capsys, "one", "--events", path)
    assert "A price guard" not in shown(capsys, "--events", path)


def test_the_command_says_what_is_assumed_and_what_is_not_judged(tmp_path, capsys):
    out = shown(capsys, "one", "--events", written(tmp_path))
    assert "Fields without a source: horizon_s." in out
    assert "P3 not judged here" in out and "P11 met" in out
    assert "5 sources" in " ".join(out.split())
    assert "Lost then: USD 1,000,000" in out
    table = shown(capsys)
    for event in read_events():
        assert event.id in table


def test_ids_are_found_by_a_part(tmp_path):
    events = read_events()
    assert find_event(events, "compound_dai_2020").loss.usd == 89e6
    with pytest.raises(UnknownInstrumentError, match="there is compound_dai_2020$"):
        find_event(events, "Compound")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shock": {"horizon_s": -1}}, "scenarios.0.shock.horizon_s"),
        ({"shock": {"oracle_dev": {"ABC": -2}}}, "oracle_dev.ABC"),
        ({"shock": {"oracle_dev": {"ABC": "much"}}}, "oracle_dev.ABC"),
        ({"classes": "all"}, "scenarios.0.classes"),
        ({"id": ""}, "scenarios.0.id"),
    ],
)
def test_a_catalogue_that_cannot_be_is_refused_in_one_line(tmp_path, capsys, changes, words):
    path = written(tmp_path, **changes)
    with pytest.raises(FileError, match=words):
        read_events(path)
    assert words in refused(capsys, "--events", path)


def test_files_that_are_no_catalogue_are_refused_in_one_line(tmp_path, capsys):
    assert "No such file" in refused(capsys, "--events", tmp_path / "none.json")
    path = tmp_path / "events.toml"
    path.write_text("schema = ")
    assert "not TOML" in refused(capsys, "--events", path)
    path.write_text('schema = "other"\nscenarios = []')
    assert "schema" in refused(capsys, "--events", path)
    twice = json.loads(written(tmp_path).read_text())
    twice["scenarios"] *= 2
    (tmp_path / "twice.json").write_text(json.dumps(twice))
    assert "'one' twice" in refused(capsys, "--events", tmp_path / "twice.json")
    assert "no event 'two'" in refused(capsys, "two", "--events", written(tmp_path))
