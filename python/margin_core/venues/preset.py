# SPDX-License-Identifier: Apache-2.0
"""Venue presets by name or from a file; `kind` says which engine reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from margin_core.errors import ModelError
from margin_core.model import faults, model_names, read_table
from margin_core.venues.scan.preset import ScanPreset
from margin_core.venues.sourced import merged, read_extended
from margin_core.venues.weights.preset import WeightsPreset

__all__ = ["Preset", "load_preset", "preset_names", "preset_schema"]

Preset = ScanPreset | WeightsPreset
_KINDS: dict[str, type[ScanPreset] | type[WeightsPreset]] = {
    "scan": ScanPreset,
    "weights": WeightsPreset,
}


@cache
def preset_names() -> tuple[str, ...]:
    """The venue presets that come with the package."""
    return tuple(name for name in model_names() if read_table(name).get("kind") in _KINDS)


def preset_schema() -> dict[str, Any]:
    """The JSON Schema of a preset file."""
    both: TypeAdapter[Any] = TypeAdapter(
        Annotated[ScanPreset | WeightsPreset, Field(discriminator="kind")]
    )
    return both.json_schema()


def load_preset(
    preset: str | os.PathLike[str] | ScanPreset | WeightsPreset,
    overrides: Mapping[str, Any] | None = None,
) -> ScanPreset | WeightsPreset:
    """A venue's margin as data, by name or from a TOML file, with some numbers changed.

    Parameters
    ----------
    preset : name, path or preset
        `margin-core model` lists the names. A file may say `extends = "NAME"` and give only what
        differs.
    overrides : mapping, optional
        In the layout of the file. Tables merge key by key; a list is replaced by a list or changed
        entry by entry by a table of entry names; classes are added, and the last to name an
        instrument counts.

    Raises
    ------
    ModelError
        Unknown field, missing source, number out of range: the file and the field's path.

    Examples
    --------
    >>> load_preset("derive_pm2").factors.mm
    0.8
    >>> load_preset("derive_pm2", {"factors": {"mm": 0.9}}).factors.mm
    0.9
    """
    if isinstance(preset, (ScanPreset, WeightsPreset)):
        if not overrides:
            return preset
        table, label = preset.model_dump(mode="json", exclude_unset=True), preset.name
    else:
        label = os.fspath(preset)
        table = read_extended(preset)
    return parse_preset(merged(table, overrides or {}, label), label)


def parse_preset(table: Mapping[str, Any], label: str = "preset") -> ScanPreset | WeightsPreset:
    """A preset given as nested dicts, checked."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ModelError(f"{label}: kind: must be one of {', '.join(_KINDS)}, got {kind!r:.40}")
    try:
        return _KINDS[kind].model_validate(dict(table))
    except ValidationError as error:
        raise ModelError(f"{label}: {faults(error)}") from None
