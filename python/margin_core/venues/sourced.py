# SPDX-License-Identifier: Apache-2.0
"""What both kinds of preset share: strict tables that name sources, laid one over another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from margin_core.errors import ModelError
from margin_core.model import read_table

__all__ = ["Described", "Finite", "NotNegative", "Provision", "Sourced", "Strict", "merged",
           "read_extended"]  # fmt: skip

Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]

#: A model may extend one that extends one.
MAX_DEPTH = 8

#: Lists that an extension or an override adds to; other lists are replaced.
APPENDED = frozenset({"classes"})


class Strict(BaseModel):
    """No unknown field, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Strict):
    """A table whose numbers come from somewhere."""

    source: str = Field(description="Key of [sources]: where the numbers come from.")
    verified: bool = Field(True, description="Checked against the venue's own numbers or code.")


class Provision(Sourced):
    """An amount that the venue adds from outside its model: IM rises by im of it, MM by mm."""

    name: str = Field(min_length=1)
    im: NotNegative = 1.0
    mm: NotNegative = 1.0


class Described(Strict):
    """The head of every preset."""

    name: str = Field(min_length=1)
    title: str
    sources: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        description="What the tables' `source` keys stand for, with dates."
    )
    provisions: tuple[Provision, ...] = Field((), description="What `venue_margin` may be given.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [rule.name for rule in self.provisions]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"provisions: {name!r} is there twice")
        return self

    def provision(self, name: str) -> Provision:
        """The rule of that name."""
        for rule in self.provisions:
            if rule.name == name:
                return rule
        raise ModelError(f"{self.name} has no provision {name!r}")

    @model_validator(mode="after")
    def _sources_exist(self) -> Self:
        for path, table in self.tables():
            if table.source not in self.sources:
                raise ValueError(f"{path}.source: no {table.source!r} in [sources]")
        return self

    def tables(self) -> Iterator[tuple[str, Sourced]]:
        """Every sourced table of the preset with its path."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Sourced):
                yield name, value
            elif isinstance(value, dict):
                yield from ((f"{name}.{k}", v) for k, v in value.items() if isinstance(v, Sourced))
            elif isinstance(value, tuple):
                entries = enumerate(value)
                yield from ((f"{name}.{i}", v) for i, v in entries if isinstance(v, Sourced))

    def unverified(self) -> tuple[str, ...]:
        """Paths of the tables that nobody has checked against the venue."""
        return tuple(path for path, table in self.tables() if not table.verified)


def read_extended(
    model: str | os.PathLike[str],
    folder: str = "",
    what: str = "preset",
    join: Callable[[Any, Any, str], Any] | None = None,
    depth: int = 0,
) -> dict[str, Any]:
    """A model's tables, laid over those that it extends; `join` is `merged` by default.

    Raises
    ------
    ModelError
        A file cannot be read or is not TOML, or `extends` goes on too long.
    """
    label = os.fspath(model)
    data = read_table(model, folder)
    base = data.pop("extends", None)
    if base is None:
        return data
    if not isinstance(base, str) or depth >= MAX_DEPTH:
        raise ModelError(f"{label}: extends: not the name of a {what}, or too deep")
    found: dict[str, Any] = (join or merged)(
        read_extended(base, folder, what, join, depth + 1), data, label
    )
    return found


def merged(old: Any, new: Any, path: str) -> Any:
    """`new` laid over `old`, both as TOML has them.

    Tables merge key by key. A list is replaced by a list, or changed entry by entry by a table of
    entry names; lists in `APPENDED` grow, since their last entry counts.

    Raises
    ------
    ModelError
        A table names an entry that the list has not; the path is in the message.
    """
    if isinstance(new, list) and isinstance(old, list) and path.rpartition(".")[2] in APPENDED:
        return [*old, *new]
    if not isinstance(new, Mapping) or not isinstance(old, (Mapping, list)):
        return new
    if isinstance(old, Mapping):
        return {**old, **{k: merged(old.get(k), v, f"{path}.{k}") for k, v in new.items()}}
    tables = [entry for entry in old if isinstance(entry, Mapping)]
    unknown = set(new) - {name for entry in tables for name in _names(entry)}
    if unknown:
        raise ModelError(f"{path}: there is no {min(map(str, unknown))!r} to override")
    out = list(old)
    for i, entry in enumerate(old):
        for name in _names(entry) if isinstance(entry, Mapping) else ():
            if name in new:
                out[i] = merged(out[i], new[name], f"{path}.{name}")
    return out


def _names(entry: Mapping[str, Any]) -> list[str]:
    """What an override may call an entry of a list: a charge for some units is "roll BTC"."""
    name = entry.get("name") or entry.get("label", "")
    return entry.get("names") or [f"{name} {unit}" for unit in entry.get("units", ())] or [name]
