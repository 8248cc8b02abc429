# SPDX-License-Identifier: Apache-2.0
"""Where rows came from, as errors name it: the file, its row, its line, its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.errors import FileError, MarginCoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Origin", "place"]


def place(
    source: str, *, row: int | None = None, line: int | None = None, column: str | None = None
) -> str:
    """A place in a source, such as "positions.csv, row 3 (line 5), quantity".

    Rows are counted from 0 in the data, lines from 1 in the file.
    """
    text = source
    if row is not None:
        text += f", row {row}"
    if line is not None:
        text += f" (line {line})"
    if column is not None:
        text += f", {column}"
    return text


@dataclass(frozen=True, eq=False)
class Origin:
    """The rows of a table as whoever wrote it knows them.

    Attributes
    ----------
    labels : tuple of str
        The files, or what stands for one.
    label : (n,) int32, optional
        Which of `labels`; the first where None.
    row : (n,) int64, optional
        The row there, from 0; as the rows stand where None.
    line : (n,) int64, optional
        The line of a text file, from 1; -1 or None where there are no lines.
    columns : mapping of str
        What the source calls a column, where that differs.
    """

    labels: tuple[str, ...]
    label: NDArray[np.int32] | None = None
    row: NDArray[np.int64] | None = None
    line: NDArray[np.int64] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, label: str) -> Origin:
        return cls((label,))

    def at(self, row: int, column: str | None = None) -> str:
        """The place of one row, and of a column in it."""
        line = -1 if self.line is None else int(self.line[row])
        return place(
            self.labels[0 if self.label is None else int(self.label[row])],
            row=row if self.row is None else int(self.row[row]),
            line=line if line >= 0 else None,
            column=None if column is None else self.columns.get(column, column),
        )

    def error(self, error: MarginCoreError) -> FileError:
        """What the core or the facade said about a row, with the source's name and line."""
        if error.row is None:
            return FileError(f"{self.labels[0]}: {error}")
        rest = str(error).removeprefix(f"row {error.row}")
        text = rest if len(rest) < len(str(error)) else f": {rest}"
        return FileError(self.at(error.row) + text, row=error.row)

    def take(self, rows: NDArray[Any]) -> Origin:
        """The origin of some rows: an index array."""
        return replace(
            self,
            label=None if self.label is None else self.label[rows],
            row=np.asarray(rows, dtype=np.int64) if self.row is None else self.row[rows],
            line=None if self.line is None else self.line[rows],
        )
