# SPDX-License-Identifier: Apache-2.0
"""JSON that is checked as it is read: what is missing or of a wrong type is named with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from margin_core.errors import FileError

__all__ = ["Record"]


class Record:
    """An object of a JSON document; what is read of it is a number unless asked for otherwise.

    Parameters
    ----------
    data : the parsed object
    where : what to call it in messages, "file.json: cases.Test1"
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise FileError(f"{where}: must be an object, not {_kind(data)}")
        self._data = data
        self.where = where

    def __getitem__(self, key: str) -> Any:
        """A number, and nothing else: a list times a number would be a long list."""
        return self._of(key, (int, float), "a number")

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def _path(self, key: str) -> str:
        return f"{self.where}{'.' if ': ' in self.where else ': '}{key}"

    def raw(self, key: str) -> Any:
        """What stands there, unchecked."""
        if key not in self._data:
            raise FileError(f"{self._path(key)}: missing")
        return self._data[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self._data else default

    def text(self, key: str) -> str:
        found: str = self._of(key, (str,), "text")
        return found

    def flag(self, key: str) -> bool:
        """True or false; 0 and 1 count."""
        value = self.raw(key)
        if value not in (0, 1) or not isinstance(value, (bool, int, float)):
            raise FileError(f"{self._path(key)}: must be true or false, not {_kind(value)}")
        return bool(value)

    def record(self, key: str) -> Record:
        return Record(self.raw(key), self._path(key))

    def records(self, key: str, *, optional: bool = False) -> list[Record]:
        """A list of objects; empty where an optional one is missing."""
        return [read() for read in self.each(key, optional=optional)]

    def each(self, key: str, *, optional: bool = False) -> list[Callable[[], Record]]:
        """The same, each checked when it is read: one that is none leaves the others."""
        if optional and key not in self._data:
            return []
        values = self._of(key, (list,), "a list")
        return [partial(Record, value, f"{self._path(key)}.{i}") for i, value in enumerate(values)]

    def named(self) -> Iterator[tuple[str, Record]]:
        """The objects of an object, by name."""
        return ((key, self.record(key)) for key in self._data)

    def list(self, key: str, *, optional: bool = False) -> list[Any]:
        """A list of numbers, Records or lists; empty where an optional one is missing."""
        if optional and key not in self._data:
            return []
        values = self._of(key, (list,), "a list")
        found: list[Any] = _checked(values, self._path(key))
        return found

    def columns(self, *keys: str) -> Iterator[tuple[Any, ...]]:
        """Lists of equal length, row by row."""
        lists = [self.list(key) for key in keys]
        for key, values in zip(keys, lists, strict=True):
            if len(values) != len(lists[0]):
                raise FileError(
                    f"{self._path(key)}: {len(values)} entries, {keys[0]} has {len(lists[0])}"
                )
        return zip(*lists, strict=True)

    def only(self, known: Any) -> None:
        """Refuse a key that the pattern does not match: an input left out is a wrong answer."""
        for key in self._data:
            if not known.fullmatch(key):
                raise FileError(f"{self._path(key)}: unknown field")

    def _of(self, key: str, types: tuple[type, ...], what: str) -> Any:
        value = self.raw(key)
        if not isinstance(value, types) or isinstance(value, bool):
            raise FileError(f"{self._path(key)}: must be {what}, not {_kind(value)}")
        return value


def _checked(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return Record(value, path)
    if isinstance(value, list):
        return [_checked(item, f"{path}.{i}") for i, item in enumerate(value)]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise FileError(f"{path}: must be a number, not {_kind(value)}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")
