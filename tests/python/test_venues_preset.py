# SPDX-License-Identifier: Apache-2.0
"""Preset files: every one loads, every number has a source, and what is wrong is named."""

import json
import re

import pytest

from margin_core import load_model, load_preset, preset_names
from margin_core.cli import main
from margin_core.errors import ModelError
from margin_core.model import model_names
from margin_core.venues.preset import preset_schema

SCAN = "derive_pm2"
WEIGHTS = "derive_sm"


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    return done.value.code, *capsys.readouterr()


def test_there_are_eleven_beside_the_house_model():
    assert len(preset_names()) == 11
    assert set(model_names()) == {"house", *preset_names()}
    assert load_model("house").name == "house"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_dated_and_says_its_name(name):
    preset = load_preset(name)
    assert preset.name == name
    for key, text in preset.sources.items():
        assert re.search(r"\b20\d\d\b", text), f"{name}: sources.{key} has no date"
    used = {table.source for _, table in preset.tables()}
    assert used == set(preset.sources), "a source that no table names"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_survives_being_written_out(name):
    preset = load_preset(name)
    again = type(preset).model_validate(json.loads(preset.model_dump_json(exclude_unset=True)))
    assert again == preset


@pytest.mark.parametrize("name", preset_names())
def test_the_command_shows_a_preset_in_80_columns(capsys, name):
    code, out, err = run(capsys, "model", name)
    assert (code, err) == (0, "")
    assert f"Venue preset {name}" in out
    assert max(map(len, out.splitlines())) <= 80
    for path in load_preset(name).unverified():
        assert path in out


def test_the_command_lists_every_model(capsys):
    code, out, _ = run(capsys, "model", "--list")
    assert code == 0
    for name in ("house", *preset_names()):
        assert f"  {name} " in out


def test_the_schema_of_presets_is_printed(capsys):
    code, out, _ = run(capsys, "model", "span", "--schema")
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(preset_schema()))
    assert {"ScanPreset", "WeightsPreset"} <= set(preset_schema()["$defs"])
    _, out, _ = run(capsys, "model", "--schema")
    assert "quantum" in json.loads(out)["properties"]


@pytest.mark.parametrize(
    "name, change, path",
    [
        (SCAN, {"colour": 1}, "colour: unknown field"),
        (SCAN, {"factors": {"colour": 1}}, "factors.colour: unknown field"),
        (SCAN, {"factors": {"source": "nobody"}}, "factors.source: no 'nobody' in [sources]"),
        (SCAN, {"charges": {"oracle": {"source": "x"}}}, "charges.4.source: no 'x' in [sources]"),
        (SCAN, {"sources": {"code": ""}}, "sources.code"),
        (SCAN, {"factors": {"mm": -0.1}}, "factors.mm"),
        (SCAN, {"factors": {"mm": float("nan")}}, "factors.mm"),
        (SCAN, {"factors": {"mm": "much"}}, "factors.mm"),
        (SCAN, {"units": {"*": {"range_frac": 1.0}}}, "units.0.range_frac"),
        (SCAN, {"units": {"*": {"gain_offset": 1.5}}}, "units.0.gain_offset"),
        (SCAN, {"units": {"BTC": {}}}, "units: there is no 'BTC' to override"),
        (SCAN, {"units": []}, "units"),
        (SCAN, {"scenarios": {"tail": {"rows": [[-1.5, "up", 1.0]]}}}, "scenarios.1"),
        (SCAN, {"scenarios": []}, "scenarios"),
        (SCAN, {"charges": {"oracle": {"form": "wide"}}}, "charges.4.form"),
        (SCAN, {"combination": {"kind": "magic"}}, "combination.kind"),
        (SCAN, {"pricing": {"total_vol_cap": 0.0}}, "pricing.total_vol_cap"),
        (SCAN, {"kind": "magic"}, "kind: must be one of scan, weights, got 'magic'"),
        ("deribit_pm", {"scenarios": {"extended": {"moves": [0.0]}}}, "scenarios.1"),
        (WEIGHTS, {"colour": 1}, "colour: unknown field"),
        (WEIGHTS, {"classes": [{"names": ["X"], "source": "x"}]}, "classes.6.source: no 'x'"),
        (WEIGHTS, {"classes": [{"names": ["X"], "source": "rule", "imf": -1}]}, "classes.6.imf"),
        (WEIGHTS, {"classes": [{"names": ["X"], "source": "rule", "imf": True}]}, "classes.6.imf"),
        (WEIGHTS, {"classes": [{"names": ["X"], "source": "rule", "imf": 1}]}, "no [size_premium]"),
        (WEIGHTS, {"classes": [{"names": [], "source": "rule"}]}, "classes.6.names"),
        (WEIGHTS, {"classes": [{"names": ["X"], "source": "rule", "oi_lower": 2, "oi_upper": 1}]},
         "oi_upper is below oi_lower"),
        (WEIGHTS, {"classes": [{"names": ["X"], "source": "rule", "tiers": [[5, 1], [4, 1]]}]},
         "sizes must be positive and rise"),
        (WEIGHTS, {"health": {"init": {"price": "best"}}}, "health.init.price"),
        (WEIGHTS, {"health": {"init": {"average": ["maint"]}}}, "weights or average"),
        (WEIGHTS, {"health": {"x": {"average": ["y"], "source": "rule"}}}, "no health type 'y'"),
        (WEIGHTS, {"aggregate": {"limit": 0.0}}, "aggregate.limit"),
        (WEIGHTS, {"arithmetic": {"source": "rule", "size_one": 10}}, "every *_one is 1"),
        ("drift_v2", {"health": {"init": {"contingencies": True}}}, "float64 only"),
        ("drift_v2", {"size_premium": {"drop": 0}}, "size_premium.drop"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_path(name, change, path):
    with pytest.raises(ModelError) as caught:
        load_preset(name, change)
    assert path in str(caught.value)
    assert str(caught.value).startswith(name)


def test_an_extension_gives_only_what_differs(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "derive_sm"\nname = "mine"\n[sources]\nown = "mine, 2026"\n'
        '[[classes]]\nnames = ["SOL-PERP"]\nsource = "own"\n'
        "weights.init = { long = 0.2, short = 0.2 }\nweights.maint = { long = 0.1, short = 0.1 }\n"
    )
    mine = load_preset(path)
    assert mine.of("SOL-PERP").weights["init"].long == 0.2
    assert mine.of("BTC-PERP").weights["init"].long == 0.10
    assert (mine.name, mine.kind) == ("mine", "weights")


@pytest.mark.parametrize(
    "text, words",
    [
        ("kind = ", "not TOML"),
        ("kind = 3", "kind: must be one of"),
        ('extends = "nobody"', "nobody"),
        ("extends = 3", "not the name of a preset"),
        ("a" * 10, "not TOML"),
    ],
)
def test_a_file_that_is_no_preset_is_named(tmp_path, text, words):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match=words):
        load_preset(path)


def test_a_file_that_extends_itself_ends(tmp_path):
    path = tmp_path / "loop.toml"
    path.write_text(f'extends = "{path}"')
    with pytest.raises(ModelError, match="too deep"):
        load_preset(path)


def test_a_file_of_nobody_is_refused(capsys, tmp_path):
    code, _, err = run(capsys, "model", str(tmp_path / "none.toml"))
    assert code == 2 and "none.toml" in err
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    code, _, err = run(capsys, "model", str(path))
    assert code == 2 and "not UTF-8" in err
