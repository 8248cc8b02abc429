# SPDX-License-Identifier: Apache-2.0
"""Any table (mapping, DataFrame, Arrow stream, CSV, Parquet, JSON) into checked NumPy columns.

Every source is first turned into raw columns, an array and a mask of the nulls, and then each
column that is asked for is checked and converted in one place.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from margin_core.adapters.files import fail, parse_json, read_bytes, read_text
from margin_core.errors import ArgumentError, FileError, MarginCoreError, MissingExtraError
from margin_core.origin import Origin

__all__ = [
    "Column",
    "Kind",
    "parquet_module",
    "read_columns",
    "read_rows",
    "read_table",
    "source_name",
]

#: What a column must hold. `id` is text or whole numbers, as they come; `name` is either, as text;
#: `time` is an instant, as nanoseconds since 1970 UTC.
Kind = Literal["int", "float", "str", "bool", "id", "name", "time"]

MAX_ROWS = 100_000_000
MAX_COLUMNS = 1_000
MAX_TEXT = 4_096
#: Decompressed bytes of one Parquet file.
MAX_DECOMPRESSED = 8 << 30
#: float64 holds every whole number up to here.
MAX_EXACT = 1 << 53

_NUMBER = re.compile(r"[^0-9eE+\-.\n]")
_INTEGER = re.compile(r"[^0-9\-\n]")
_BOOLS = {"true": True, "false": False, "1": True, "0": False, "True": True, "False": False}


class Column(NamedTuple):
    """Raw values, and where they are null (None: nowhere)."""

    values: NDArray[Any]
    null: NDArray[np.bool_] | None = None
    #: Cells of a CSV file: text that may still become a number.
    is_text: bool = False
    #: Why the column cannot be used; it is refused only when asked for.
    foreign: str | None = None


class Raw(NamedTuple):
    """All columns of a source before conversion; CSV rows know their line."""

    columns: dict[str, Column]
    n: int
    lines: NDArray[np.int64] | None = None


def read_table(
    source: Any,
    *,
    name: str | None = None,
    required: Mapping[str, Kind],
    optional: Mapping[str, Kind] | None = None,
    nullable: Collection[str] = (),
    extra: Literal["ignore", "refuse"] = "ignore",
) -> dict[str, NDArray[Any]]:
    """Checked columns from any table.

    Parameters
    ----------
    source
        A mapping of arrays, a sequence of records, a `Table`, a pandas, polars or pyarrow object,
        anything with ``__arrow_c_stream__``, or the path of a .csv, .json or .parquet file.
    name : str, optional
        What to call the source in messages; default the path, or "table".
    required, optional : mapping of column to kind
        "float" finite float64, "int" int64, "bool", "str" an object array of str, "id" either
        int64 or text, "name" text, or whole numbers as text, "time" int64 nanoseconds since 1970
        UTC from timestamps, ISO 8601 text or whole numbers (seconds, milli-, micro- or
        nanoseconds, told apart by their size). Other names for one column are
        separated by bars, the result's name first: ``"instrument|name"``.
    nullable : collection of str
        Columns (their first names) where null, NaN or an empty cell stands for "no value": NaN in
        float columns, None in text.
    extra : {"ignore", "refuse"}
        What to do with columns that were not asked for.

    Returns
    -------
    dict of (n,) arrays
        In the order asked for; optional columns only where present.

    Raises
    ------
    FileError
        Names the source, the row (from 0; for CSV also the line) and the column.

    Examples
    --------
    >>> read_table({"account": ["a"], "lots": [3]}, required={"account": "id", "lots": "int"})
    {'account': array(['a'], dtype=object), 'lots': array([3])}
    """
    columns, _ = read_rows(
        source, name=name, required=required, optional=optional, nullable=nullable, extra=extra
    )
    return columns


def read_rows(
    source: Any,
    *,
    name: str | None = None,
    required: Mapping[str, Kind],
    optional: Mapping[str, Kind] | None = None,
    nullable: Collection[str] = (),
    extra: Literal["ignore", "refuse"] = "ignore",
) -> tuple[dict[str, NDArray[Any]], Origin]:
    """As `read_table`, and where the rows stand in the source, for errors found later."""
    label = source_name(source, name)
    asked = {**required, **(optional or {})}
    wanted = {choice for names in asked for choice in names.split("|")}
    raw = read_columns(source, label, wanted)
    out: dict[str, NDArray[Any]] = {}
    called: dict[str, str] = {}
    for names, kind in asked.items():
        choices = names.split("|")
        present = [choice for choice in choices if choice in raw.columns]
        if len(present) > 1:
            raise fail(label, f"both {present[0]!r} and {present[1]!r} are given")
        if present:
            column = raw.columns[present[0]]
            called[choices[0]] = present[0]
            out[choices[0]] = _convert(
                column, kind, label, present[0], raw.lines, choices[0] in nullable
            )
        elif names in required:
            there = ", ".join(list(raw.columns)[:12]) or "none"
            raise fail(label, f"no column {choices[0]!r}; there are: {there}")
    if extra == "refuse":
        unknown = [column for column in raw.columns if column not in wanted]
        if unknown:
            raise fail(label, f"unknown column {unknown[0]!r}")
    return out, Origin((label,), line=raw.lines, columns=called)


def source_name(source: Any, name: str | None, default: str = "table") -> str:
    """What to call `source` in messages."""
    if name is not None:
        return name
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return default


def read_columns(source: Any, label: str, wanted: Collection[str] | None = None) -> Raw:
    """The columns of `source`, raw; those not `wanted` may be left unread."""
    from margin_core.table import Table

    try:
        if isinstance(source, (str, os.PathLike)):
            raw = _from_path(source, label, wanted)
        elif isinstance(source, (Table, Mapping)):
            raw = _from_mapping(source, label)
        elif type(source).__module__.partition(".")[0] == "pandas":
            raw = _from_pandas(source, label)
        elif hasattr(source, "__arrow_c_stream__"):
            raw = _from_arrow(source, label)
        elif isinstance(source, (list, tuple)):
            raw = _from_records(source, label)
        else:
            raise fail(label, f"cannot read a table from {type(source).__name__}")
    except MarginCoreError:
        raise
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # whatever a foreign reader raises about a broken source
        raise fail(label, f"cannot be read: {type(error).__name__}: {error}") from error
    if len(raw.columns) > MAX_COLUMNS:
        raise fail(label, f"more than {MAX_COLUMNS} columns")
    if raw.n > MAX_ROWS:
        raise fail(label, f"more than {MAX_ROWS} rows")
    return raw


# Sources in memory


def _raw(columns: dict[str, Column], label: str) -> Raw:
    n = None
    for name, column in columns.items():
        if n is None:
            n = len(column.values)
        elif len(column.values) != n and column.foreign is None:
            raise fail(label, f"column {name!r} has {len(column.values)} rows, not {n}")
    return Raw(columns, n or 0)


def _check_names(names: Collection[Any], label: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not name:
            raise fail(label, f"a column's name must be text, got {name!r:.60}")
        if name in seen:
            raise fail(label, f"the column {name!r:.60} stands twice")
        seen.add(name)


def _from_mapping(source: Mapping[str, Any], label: str) -> Raw:
    _check_names(list(source), label)
    return _raw({name: _from_values(source[name], label, name) for name in source}, label)


def _from_values(values: Any, label: str, name: str) -> Column:
    if isinstance(values, (str, bytes)):
        raise fail(label, "a column is a sequence, not one text", field=name)
    if type(values).__module__.partition(".")[0] == "pandas":
        return _from_series(values)
    if not isinstance(values, (np.ndarray, list, tuple)):
        if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
            return _from_arrow_column(values)
        values = np.asarray(values)
    if isinstance(values, np.ma.MaskedArray):
        return Column(np.asarray(values.data), np.ma.getmaskarray(values))
    if isinstance(values, np.ndarray):
        array = values
    else:
        array = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            array[i] = value
    if array.ndim != 1:
        raise fail(label, f"a column has one dimension, not {array.ndim}", field=name)
    return _tidy(array)


def _tidy(array: NDArray[Any]) -> Column:
    """Objects as numbers where all of them are; None is null."""
    if array.dtype.kind in "US":
        return Column(array.astype("U").astype(object))
    if array.dtype != object:
        return Column(array)
    items = array.tolist()
    null = None
    if None in items:
        null = np.fromiter((item is None for item in items), np.bool_, len(items))
        items = [item for item in items if item is not None]
    kinds = {type(item) for item in items}
    if kinds <= {str} or not kinds:
        return Column(array, null)
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        dtype: Any = np.bool_
    elif any(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        return Column(array, null)
    elif all(issubclass(kind, (int, np.integer)) for kind in kinds):
        dtype = np.int64
    elif all(issubclass(kind, (int, float, np.integer, np.floating)) for kind in kinds):
        dtype = np.float64
        if any(
            isinstance(item, (int, np.integer)) and abs(int(item)) > MAX_EXACT for item in items
        ):
            return Column(array, null)
    else:
        return Column(array, null)
    try:
        tight = np.array(items, dtype=dtype)
    except OverflowError:
        return Column(array, null)
    if null is None:
        return Column(tight)
    values = np.zeros(len(array), dtype=dtype)
    values[~null] = tight
    return Column(values, null)


def _from_pandas(source: Any, label: str) -> Raw:
    if not hasattr(source, "columns"):
        raise fail(label, "a pandas DataFrame is needed, not a Series")
    names = list(source.columns)
    _check_names(names, label)
    return _raw({name: _from_series(source[name]) for name in names}, label)


def _from_series(series: Any) -> Column:
    """A pandas Series or Index, pyarrow installed or not."""
    null = np.asarray(series.isna())
    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, np.dtype) and kind in "biufM":
        values = series.to_numpy()
    elif kind in "biu":
        values = series.to_numpy(dtype=dtype.numpy_dtype if hasattr(dtype, "numpy_dtype") else None,
                                 na_value=0)  # fmt: skip
    elif kind == "f":
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    elif kind == "M":  # with a time zone
        values = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    else:
        array = np.empty(len(series), dtype=object)
        for i, value in enumerate(series.astype(object)):
            array[i] = None if null[i] else value
        return _tidy(array)
    return Column(values, null if null.any() else None)


def _from_arrow(source: Any, label: str) -> Raw:
    from margin_core._binding._arrow import import_stream

    columns, n = import_stream(source, MAX_ROWS)
    _check_names([name for name, *_ in columns], label)
    return Raw({name: _arrow_column(values, null) for name, values, null in columns}, n)


def _from_arrow_column(source: Any) -> Column:
    from margin_core._binding._arrow import import_column

    return _arrow_column(*import_column(source, MAX_ROWS))


def _arrow_column(values: NDArray[Any] | str, null: NDArray[np.bool_] | None) -> Column:
    if isinstance(values, str):
        return Column(np.empty(0, dtype=object), foreign=values)
    return Column(values, null)


def _from_records(records: Collection[Any], label: str) -> Raw:
    """A sequence of records; a key that a record lacks is null there."""
    names: dict[str, None] = {}
    for i, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise fail(label, f"a record is a mapping, got {type(record).__name__}", row=i)
        names.update(dict.fromkeys(record))
        if len(names) > MAX_COLUMNS:
            raise fail(label, f"more than {MAX_COLUMNS} columns", row=i)
    _check_names(list(names), label)
    columns = {}
    for name in names:
        array = np.empty(len(records), dtype=object)
        array[:] = [record.get(name) for record in records]
        columns[name] = _tidy(array)
    return Raw(columns, len(records))


# Files


def _from_path(path: str | os.PathLike[str], label: str, wanted: Collection[str] | None) -> Raw:
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix == ".csv":
        return _from_csv(read_text(path), label)
    if suffix == ".json":
        return _from_json(read_text(path), label)
    if suffix in (".parquet", ".pq"):
        return _from_parquet(path, label, wanted)
    raise fail(label, "the file's name must end in .csv, .json or .parquet")


def _from_json(text: str, label: str) -> Raw:
    document = parse_json(text, label)
    if isinstance(document, list):
        return _from_records(document, label)
    if isinstance(document, dict):
        for name, values in document.items():
            if not isinstance(values, list):
                raise fail(label, "expected a list of records or an object of columns", field=name)
        return _from_mapping(document, label)
    raise fail(label, "expected a list of records or an object of columns")


def _from_csv(text: str, label: str) -> Raw:
    if "\0" in text:
        raise fail(label, "holds a NUL character", line=text.count("\n", 0, text.index("\0")) + 1)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise fail(label, "is empty; the first line must name the columns")
        _check_names(header, label)
        width = len(header)
        if width > MAX_COLUMNS:
            raise fail(label, f"more than {MAX_COLUMNS} columns")
        rows: list[list[str]] = []
        lines: list[int] | None = None
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) != width:
                if not cells:
                    raise fail(label, "an empty line", row=len(rows), line=line)
                raise fail(
                    label, f"{len(cells)} cells for {width} columns", row=len(rows), line=line
                )
            rows.append(cells)
            if lines is None and line != len(rows) + 1:
                lines = list(range(2, len(rows) + 1))
            if lines is not None:
                lines.append(line)
            line = reader.line_num + 1
            if len(rows) > MAX_ROWS:
                raise fail(label, f"more than {MAX_ROWS} rows")
    except csv.Error as error:
        raise fail(label, f"not CSV: {error}", line=reader.line_num) from None
    columns = {}
    for j, name in enumerate(header):
        array = np.empty(len(rows), dtype=object)
        array[:] = [cells[j] for cells in rows]
        null = array == ""
        columns[name] = Column(array, null if null.any() else None, is_text=True)
    at = np.arange(2, len(rows) + 2) if lines is None else np.array(lines, dtype=np.int64)
    return Raw(columns, len(rows), at)


def parquet_module() -> Any:
    """pyarrow.parquet of a version without the reader's known code execution."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError(
            "Parquet needs pyarrow: pip install margin-core[parquet]"
        ) from error
    version = tuple(int(part) for part in re.findall(r"[0-9]+", pyarrow.__version__)[:3])
    if version < (14, 0, 1):  # CVE-2023-47248
        raise MissingExtraError(
            f"pyarrow {pyarrow.__version__} is unsafe with foreign files: "
            "pip install margin-core[parquet]"
        )
    return parquet


def _from_parquet(path: str | os.PathLike[str], label: str, wanted: Collection[str] | None) -> Raw:
    parquet = parquet_module()
    import pyarrow as pa

    data = pa.BufferReader(read_bytes(path))
    try:
        schema = parquet.read_schema(data)
        _check_names(schema.names, label)
        taken = [name for name in schema.names if wanted is None or name in wanted]
        # Text that repeats is kept once: a small file cannot unfold into much memory.
        texts = [name for name in taken if _is_text(pa, schema.field(name).type)]
        file = parquet.ParquetFile(data, memory_map=False, pre_buffer=False, read_dictionary=texts)
        about = file.metadata
        if about.num_rows > MAX_ROWS:
            raise fail(label, f"more than {MAX_ROWS} rows")
        if about.num_columns > MAX_COLUMNS:
            raise fail(label, f"more than {MAX_COLUMNS} columns")
        if _decompressed(about, len(taken)) > MAX_DECOMPRESSED:
            raise fail(label, f"more than {MAX_DECOMPRESSED} bytes when decompressed")
        table = file.read(columns=taken)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, FileError):
            raise
        raise fail(label, f"not a sound Parquet file: {error}") from error
    raw = _from_arrow(table, label)
    unread = Column(np.empty(0, dtype=object), foreign="was not read")
    return Raw({name: raw.columns.get(name, unread) for name in schema.names}, about.num_rows)


def _is_text(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _decompressed(about: Any, n_taken: int) -> int:
    """Bytes that a file's columns unfold to, at least: what it says, and 8 for every value.

    Only row groups are asked. pyarrow does not catch what the metadata of a single column throws
    (`row_group(g).column(c)` of a damaged file ends the process).
    """
    groups = [about.row_group(g) for g in range(about.num_row_groups)]
    rows = max(about.num_rows, sum(max(group.num_rows, 0) for group in groups))
    size: int = max(8 * rows * n_taken, sum(max(group.total_byte_size, 0) for group in groups))
    return size


# One column, checked and converted


def _convert(
    column: Column,
    kind: Kind,
    label: str,
    name: str,
    lines: NDArray[np.int64] | None,
    nullable: bool,
) -> NDArray[Any]:
    def refuse(bad: NDArray[np.bool_], why: str) -> None:
        if bad.any():
            i = int(np.argmax(bad))
            line = None if lines is None else int(lines[i])
            value = column.values[i]
            raise fail(label, why.format(value=_shown(value)), row=i, field=name, line=line)

    if column.foreign is not None:
        raise fail(label, column.foreign, field=name)
    values, null = column.values, column.null
    if values.dtype.kind == "f":
        missing = np.isnan(values)
        if missing.any():
            null = missing if null is None else null | missing
    if null is not None and not null.any():
        null = None
    if null is not None and (not nullable or kind in ("int", "bool", "id")):
        refuse(null, "has no value")
    if column.is_text:
        values = _read_cells(values, null, kind, refuse)
    converter = _CONVERTERS.get(kind)
    if converter is None:
        raise ArgumentError(f"no column kind {kind!r}")
    return converter(values, null, refuse)


def _shown(value: Any) -> str:
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 60 else text[:57] + "..."


def _where(null: NDArray[np.bool_] | None, n: int) -> NDArray[np.bool_]:
    return np.ones(n, dtype=np.bool_) if null is None else ~null


def _read_cells(
    values: NDArray[Any], null: NDArray[np.bool_] | None, kind: Kind, refuse: Any
) -> NDArray[Any]:
    """Cells of a CSV file as what `kind` asks for; the text "1_0" or "nan" is no number."""
    given = _where(null, len(values))
    if kind in ("str", "name"):
        return values
    cells = values[given].tolist()
    if kind == "time":
        if not cells or _unreadable(cells[0], "int"):
            return values
        kind = "int"
    if kind == "bool":
        read = [_BOOLS.get(cell) for cell in cells]
        refuse(_spread([value is None for value in read], given), "{value} is not true or false")
        return np.array(read, dtype=np.bool_)
    joined = "\n".join(cells)
    if kind == "id":
        return _int_cells(cells, joined) if _canonical_ints(cells, joined) else values
    pattern = _NUMBER if kind == "float" else _INTEGER
    if pattern.search(joined) is not None:
        refuse(_spread([pattern.search(cell) is not None or "\n" in cell for cell in cells], given),
               "{value} is not a " + ("number" if kind == "float" else "whole number"))  # fmt: skip
    try:
        if kind == "int":
            return _int_cells(cells, joined)
        floats = np.array(list(map(float, cells)), dtype=np.float64)
    except (ValueError, OverflowError):
        word = "a number" if kind == "float" else "a whole number of 64 bits"
        unreadable = [_unreadable(cell, kind) for cell in cells]
        refuse(_spread(unreadable, given), "{value} is not " + word)
        raise
    out = np.full(len(values), np.nan)
    out[given] = floats
    return out


def _canonical_ints(cells: list[str], joined: str) -> bool:
    """All cells are whole numbers in the one way to write them, so that text ids survive."""
    if not cells or _INTEGER.search(joined) is not None:
        return False
    return all(len(cell) <= 18 and cell.isdecimal() and (cell[0] != "0" or cell == "0")
               for cell in cells)  # fmt: skip


def _int_cells(cells: list[str], joined: str) -> NDArray[np.int64]:
    return np.array(list(map(int, cells)), dtype=np.int64)


def _unreadable(cell: str, kind: Kind) -> bool:
    try:
        if kind == "int":
            return not -(1 << 63) <= int(cell[:32]) < 1 << 63 or len(cell) > 32
        float(cell)
    except ValueError:
        return True
    return False


def _spread(bad: list[bool], given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros(len(given), dtype=np.bool_)
    out[given] = bad
    return out


def _floats(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    given = _where(null, len(values))
    if values.dtype.kind == "O":
        if not given.any():
            return np.full(len(values), np.nan)
        refuse(given, "{value} is not a number")
    if values.dtype.kind not in "fiu":
        refuse(given, "{value} is not a number")
        return np.full(len(values), np.nan)
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        wide = values > MAX_EXACT
        if values.dtype.kind == "i":
            wide |= values < -MAX_EXACT
        refuse(given & wide, "{value} is beyond 2^53, where float64 is no longer exact")
    out = values.astype(np.float64)
    refuse(given & ~np.isfinite(out), "{value} is not finite")
    if null is not None:
        out[null] = np.nan
    return out


def _ints(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    n = len(values)
    if values.dtype.kind == "i":
        return values.astype(np.int64)
    if values.dtype.kind == "u":
        refuse(values > np.iinfo(np.int64).max, "{value} is beyond 64 bits")
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        # pandas turns whole numbers into floats beside a null; nothing is lost below 2^53
        with np.errstate(invalid="ignore"):
            refuse(~((np.abs(values) <= MAX_EXACT) & (np.floor(values) == values)),
                   "{value} is not a whole number")  # fmt: skip
        return values.astype(np.int64)
    refuse(np.ones(n, dtype=np.bool_), "{value} is not a whole number")
    return np.empty(0, dtype=np.int64)


def _bools(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    if values.dtype.kind != "b":
        refuse(np.ones(len(values), dtype=np.bool_), "{value} is not true or false")
    return values.astype(np.bool_)


def _strs(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    given = _where(null, len(values))
    if values.dtype.kind != "O":
        refuse(given, "{value} is not text")
        return np.full(len(values), None, dtype=object)
    items = values.tolist()
    if not all(type(item) is str and len(item) <= MAX_TEXT for item in items):
        refuse(given & _spread_all([not isinstance(item, str) for item in items]),
               "{value} is not text")  # fmt: skip
        refuse(given & _spread_all([isinstance(item, str) and len(item) > MAX_TEXT
                                    for item in items]),
               f"{{value}} is longer than {MAX_TEXT} characters")  # fmt: skip
    if null is None:
        return values
    out = values.copy()
    out[null] = None
    return out


def _spread_all(bad: list[bool]) -> NDArray[np.bool_]:
    return np.array(bad, dtype=np.bool_)


def _ids(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    if values.dtype.kind in "iu":
        return _ints(values, null, refuse)
    if values.dtype.kind == "f":
        return _ints(values, null, refuse)
    if values.dtype.kind == "b":
        refuse(np.ones(len(values), dtype=np.bool_), "{value} is neither text nor a whole number")
    return _strs(values, null, refuse)


def _names(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    if values.dtype.kind not in "iuf":
        return _strs(values, null, refuse)
    if values.dtype.kind == "f" and null is not None:  # whole numbers beside a null, in pandas
        values = np.where(null, 0.0, values)
    out = _ints(values, None, refuse).astype(str).astype(object)
    if null is not None:
        out[null] = None
    return out


#: Whole numbers that are instants, by their size: from 2001 on.
_NS_OF_UNIT = ((10**9, 10**9), (10**12, 10**6), (10**15, 10**3), (10**18, 1))


def _times(values: NDArray[Any], null: NDArray[np.bool_] | None, refuse: Any) -> NDArray[Any]:
    given = _where(null, len(values))
    if null is not None or values.dtype.kind == "M":
        refuse(~given | (np.isnat(values) if values.dtype.kind == "M" else False), "has no value")
    if values.dtype.kind == "M":
        stamps: NDArray[np.int64] = values.astype("M8[us]").astype(np.int64)
        refuse(np.abs(stamps) >= 9 * 10**15, "{value} is not between 1684 and 2255")
        return values.astype("M8[ns]").astype(np.int64)
    if values.dtype.kind in "iuf":
        whole = _ints(values, null, refuse)
        first = int(whole[0]) if len(whole) else 10**18
        for least, ns in _NS_OF_UNIT:
            if least <= first < 10 * least:
                refuse((whole < least) | (whole >= 10 * least), "{value} is in another unit")
                return whole * ns
        refuse(np.ones(len(whole), dtype=np.bool_), "{value} is no instant after 2001")
    texts = _strs(values, null, refuse)
    read = [_instant_ns(text) for text in texts.tolist()]
    refuse(_spread_all([ns is None for ns in read]), "{value} is no instant like 2026-01-22T12:30Z")
    return np.array(read, dtype=np.int64)


def _instant_ns(text: str) -> int | None:
    """Nanoseconds since 1970; UTC where the text has no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    since = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - _EPOCH
    us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return 1_000 * us if abs(us) < 9 * 10**15 else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CONVERTERS: dict[str, Any] = {
    "float": _floats, "int": _ints, "bool": _bools, "str": _strs, "id": _ids, "name": _names,
    "time": _times,
}  # fmt: skip
