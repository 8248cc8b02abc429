# SPDX-License-Identifier: Apache-2.0
"""Named columns: what every result is returned as."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from margin_core.errors import ArgumentError, FileError, MissingExtraError

if TYPE_CHECKING:
    import os

    import pandas
    import polars
    import pyarrow
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Table"]

_ROWS_SHOWN = 10
_WIDTH_SHOWN = 120
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Table(Mapping[str, "NDArray[Any]"]):
    """Equally long, read-only NumPy columns by name.

    A mapping from names to columns: `table["equity_usd"]` is a column, `list(table)` the names.
    A mask, slice or index array takes rows: `table[table["equity_usd"] < 0]` is a table.
    Anything that reads Arrow's PyCapsule stream (pyarrow, polars, pandas, DuckDB) reads it.

    Parameters
    ----------
    columns : mapping of str to (n,) array
        Numbers, bools or text (object arrays of str, None where there is none).

    Notes
    -----
    `len(table)` is the number of rows, unlike a dict's; `table.columns` are the names.

    Examples
    --------
    >>> table = Table({"account": ["a", "b"], "equity_usd": [1.5, -2.0]})
    >>> table["equity_usd"].sum()
    np.float64(-0.5)
    >>> table[table["equity_usd"] < 0]
    account  equity_usd
    b                -2
    """

    __slots__ = ("_columns", "_n")

    def __init__(self, columns: Mapping[str, ArrayLike]) -> None:
        held: dict[str, NDArray[Any]] = {}
        n = None
        for name, values in columns.items():
            if not isinstance(name, str) or not name:
                raise ArgumentError(f"a column's name must be text, got {name!r}")
            column = _as_column(name, values)
            if n is None:
                n = len(column)
            elif len(column) != n:
                first = next(iter(held))
                raise ArgumentError(f"{name} has {len(column)} rows, {first} has {n}")
            held[name] = column
        self._columns = held
        self._n = n or 0

    @classmethod
    def _of(cls, columns: dict[str, NDArray[Any]], n: int) -> Table:
        """A table of columns that were checked before and that nobody else holds."""
        table = cls.__new__(cls)
        for column in columns.values():
            column.flags.writeable = False
        table._columns, table._n = columns, n
        return table

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self._columns)

    @overload
    def __getitem__(self, key: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, key: slice | NDArray[Any] | list[int] | list[bool]) -> Table: ...
    def __getitem__(self, key: Any) -> NDArray[Any] | Table:
        if isinstance(key, str):
            try:
                return self._columns[key]
            except KeyError:
                raise KeyError(f"no column {key!r}; there are {', '.join(self)}") from None
        if isinstance(key, (int, np.integer)):
            raise ArgumentError("a row is taken by a slice or a mask: table[3:4]")
        if not isinstance(key, slice):
            key = np.asarray(key)
            if key.dtype == bool and key.shape != (self._n,):
                raise ArgumentError(f"a mask of {key.size} for {self._n} rows")
            if key.size == 0:
                key = key.astype(np.intp)
        taken = {name: column[key] for name, column in self._columns.items()}
        return Table._of(taken, len(next(iter(taken.values()), ())))

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """The number of rows."""
        return self._n

    def __bool__(self) -> bool:
        return self._n > 0

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.columns == other.columns and all(
            _same(mine, theirs)
            for mine, theirs in zip(self._columns.values(), other._columns.values(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (dict(self._columns),)

    def __repr__(self) -> str:
        if not self._columns:
            return "Table()"
        return _render(self._columns, self._n)

    # Out into other libraries

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        from margin_core._binding._arrow import export_stream

        return export_stream(self._columns, self._n)

    def __arrow_c_schema__(self) -> object:
        from margin_core._binding._arrow import export_schema

        return export_schema(self._columns)

    def to_arrow(self) -> pyarrow.Table:
        """The same columns as a pyarrow table; numbers are not copied."""
        table: pyarrow.Table = _import("pyarrow", "parquet").table(self)
        return table

    def to_polars(self) -> polars.DataFrame:
        """The same columns as a polars frame."""
        frame: polars.DataFrame = _import("polars", None).DataFrame(self)
        return frame

    def to_pandas(self) -> pandas.DataFrame:
        """The same columns as a pandas frame; needs no pyarrow."""
        pd = _import("pandas", None)
        columns = {name: column.copy() for name, column in self._columns.items()}
        frame: pandas.DataFrame = pd.DataFrame(columns)
        return frame

    # Out into files

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        formulas: Literal["refuse", "escape", "keep"] = "refuse",
    ) -> None:
        """Write UTF-8 CSV with a header; numbers so that they read back to the same bits.

        The file appears whole or not at all.

        Parameters
        ----------
        path
        formulas
            What to do with text that a spreadsheet would run as a formula, because it begins with
            ``= + - @``: refuse to write it, put an apostrophe before it, or keep it.

        Raises
        ------
        FileError
            Names the file, and the row and column at fault.
        """
        from margin_core.adapters.files import write_atomically

        texts = [
            _texts(str(path), name, column, formulas) for name, column in self._columns.items()
        ]
        out = io.StringIO(newline="")
        # The writer leaves a lone carriage return bare, and readers take it for a line's end.
        bare = any("\r" in text for column in texts for text in column)
        writer = csv.writer(
            out, lineterminator="\n", quoting=csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL
        )
        writer.writerow(self._columns)
        writer.writerows(zip(*texts, strict=True))
        write_atomically(path, out.getvalue().encode())

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file; it appears whole or not at all. Needs margin-core[parquet]."""
        from margin_core.adapters.files import write_atomically
        from margin_core.adapters.tables import parquet_module

        parquet = parquet_module()
        table = self.to_arrow()
        write_atomically(path, lambda file: parquet.write_table(table, file))


def _import(module: str, extra: str | None) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        hint = f"margin-core[{extra}]" if extra else module
        raise MissingExtraError(f"{module} is not installed: pip install {hint}") from error


def _as_column(name: str, values: ArrayLike) -> NDArray[Any]:
    """A read-only column that the caller cannot change behind the table's back."""
    if isinstance(values, (list, tuple)) and any(v is None or isinstance(v, str) for v in values):
        column = np.empty(len(values), dtype=object)  # NumPy's own text drops a NUL at the end
        for i, value in enumerate(values):
            column[i] = value
    else:
        column = np.asarray(values)
    if column.ndim != 1:
        raise ArgumentError(f"{name} has shape {column.shape}; a column has one dimension")
    if column.dtype.kind == "U" or (column.size == 0 and not isinstance(values, np.ndarray)):
        column = column.astype(object)
    if column.dtype.kind not in "biufO":
        raise ArgumentError(f"{name} is {column.dtype}; a column holds numbers, bools or text")
    if column.dtype.kind == "O":
        _check_text(name, column.tolist())
    if not column.dtype.isnative:
        column = column.astype(column.dtype.newbyteorder("="))
    owned = column.base is None and column is not values
    if column.flags.writeable and not owned:
        column = column.copy()
    column.flags.writeable = False
    return column


def _check_text(name: str, items: list[Any]) -> None:
    """Text and None, and text that UTF-8 can hold."""
    try:
        "".join([item for item in items if item is not None]).encode()
    except (TypeError, UnicodeEncodeError):
        for i, item in enumerate(items):
            if item is not None and not isinstance(item, str):
                raise ArgumentError(f"{name}, row {i}: {item!r:.60} is not text", row=i) from None
            if item is not None and any("\ud800" <= c <= "\udfff" for c in item):
                why = f"{name}, row {i}: {item!r:.60} is not Unicode"
                raise ArgumentError(why, row=i) from None
        raise


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.dtype != b.dtype:
        return False
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def _texts(
    path: str, name: str, column: NDArray[Any], formulas: Literal["refuse", "escape", "keep"]
) -> list[str]:
    if column.dtype.kind == "b":
        return ["true" if value else "false" for value in column.tolist()]
    if column.dtype.kind == "f":
        return ["" if value != value else repr(value) for value in column.tolist()]
    if column.dtype.kind in "iu":
        return [str(value) for value in column.tolist()]
    texts = ["" if value is None else value for value in column.tolist()]
    for i, text in enumerate(texts):
        if "\0" in text:
            raise FileError(f"{path}: row {i}, {name}: CSV cannot hold a NUL character", row=i)
    if formulas == "keep":
        return texts
    if formulas not in ("refuse", "escape"):
        raise ArgumentError(f"formulas is 'refuse', 'escape' or 'keep', not {formulas!r}")
    for i, text in enumerate(texts):
        if text.startswith(_FORMULA):
            if formulas == "refuse":
                raise FileError(
                    f"{path}: row {i}, {name}: a spreadsheet would run {text[:40]!r} as a "
                    "formula; pass formulas='escape' or 'keep'",
                    row=i,
                )
            texts[i] = "'" + text
    return texts


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 or value != value else f"{value:,.0f}"
    text = str(value)
    return text if len(text) <= 48 else text[:45] + "..."


def _render(columns: Mapping[str, NDArray[Any]], n: int) -> str:
    shown = list(range(n))
    if n > _ROWS_SHOWN:
        shown = [*range(_ROWS_SHOWN // 2), *range(n - _ROWS_SHOWN // 2, n)]
    blocks: list[list[str]] = []
    used = 0
    for name, column in columns.items():
        cells = [_cell(column[i].item() if column.dtype != object else column[i]) for i in shown]
        width = max([len(name), *map(len, cells)])
        used += width + 2
        if used > _WIDTH_SHOWN and blocks:
            break
        numeric = column.dtype.kind in "iuf"
        blocks.append([c.rjust(width) if numeric else c.ljust(width) for c in (name, *cells)])
    lines = ["  ".join(cells).rstrip() for cells in zip(*blocks, strict=True)]
    if n > _ROWS_SHOWN:
        lines.insert(1 + _ROWS_SHOWN // 2, "...")
    hidden = len(columns) - len(blocks)
    if n > _ROWS_SHOWN or hidden:
        rows = f"{n} row{'s' if n != 1 else ''}"
        lines.append(
            rows + (f", {hidden} more column{'s' if hidden != 1 else ''}" if hidden else "")
        )
    return "\n".join(lines)
