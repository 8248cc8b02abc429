# SPDX-License-Identifier: Apache-2.0
"""Every source gives the same columns, and a broken one gives an error that says where."""

from __future__ import annotations

import contextlib
import json
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import margin_core.adapters.tables as tables
from margin_core.adapters.files import parse_json
from margin_core.adapters.tables import read_table
from margin_core.errors import ArgumentError, FileError, MarginCoreError, MissingExtraError
from margin_core.table import Table

KINDS = {"account": "str", "lots": "int", "price_usd": "float", "open": "bool"}
COLUMNS = {
    "account": ["alice", "bob", "çelik"],
    "lots": [3, -2, 9_007_199_254_740_993],
    "price_usd": [0.1, -2.5e-9, 1e300],
    "open": [True, False, True],
}


def expect(columns):
    assert list(columns) == list(COLUMNS)
    for name, values in COLUMNS.items():
        assert columns[name].tolist() == values
    assert columns["lots"].dtype == np.int64 and columns["price_usd"].dtype == np.float64
    assert columns["open"].dtype == np.bool_ and columns["account"].dtype == object


def as_csv(path):
    lines = ["account,lots,price_usd,open"]
    lines += [",".join([a, str(n), repr(p), str(o).lower()])
              for a, n, p, o in zip(*COLUMNS.values(), strict=True)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# Every kind of source


def test_mappings_tables_and_records():
    expect(read_table(COLUMNS, required=KINDS))
    expect(read_table({k: np.array(v) for k, v in COLUMNS.items()}, required=KINDS))
    expect(read_table(Table(COLUMNS), required=KINDS))
    records = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    expect(read_table(records, required=KINDS))


def test_csv_files(tmp_path):
    as_csv(tmp_path / "t.csv")
    expect(read_table(tmp_path / "t.csv", required=KINDS))
    text = (tmp_path / "t.csv").read_bytes()
    (tmp_path / "w.csv").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    expect(read_table(str(tmp_path / "w.csv"), required=KINDS))


def test_json_files(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(COLUMNS))
    expect(read_table(path, required=KINDS))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    path.write_text(json.dumps(rows))
    expect(read_table(path, required=KINDS))


def test_pyarrow_in_every_shape(tmp_path):
    pa = pytest.importorskip("pyarrow")
    table = pa.table(COLUMNS)
    expect(read_table(table, required=KINDS))
    expect(read_table(pa.concat_tables([table.slice(0, 1), table.slice(1)]), required=KINDS))
    expect(read_table(pa.concat_tables([table, table]).slice(3), required=KINDS))
    expect(read_table(table.to_reader(), required=KINDS))
    expect(read_table({name: table[name] for name in COLUMNS}, required=KINDS))
    expect(read_table({name: table[name].combine_chunks() for name in COLUMNS}, required=KINDS))
    for text in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        other = table.set_column(0, "account", table["account"].cast(text))
        expect(read_table(other, required=KINDS))
    import pyarrow.parquet as parquet

    for options in ({}, {"use_dictionary": False}, {"row_group_size": 2, "compression": "zstd"}):
        parquet.write_table(table, tmp_path / "t.parquet", **options)
        expect(read_table(tmp_path / "t.parquet", required=KINDS))


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(COLUMNS)
    expect(read_table(frame, required=KINDS))
    expect(read_table(pl.concat([frame, frame], rechunk=False)[3:], required=KINDS))
    expect(read_table(frame.with_columns(pl.col("account").cast(pl.Categorical)), required=KINDS))
    expect(read_table({name: frame[name] for name in COLUMNS}, required=KINDS))


@pytest.mark.parametrize("with_pyarrow", [True, False])
def test_pandas_with_and_without_pyarrow(with_pyarrow, monkeypatch):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(COLUMNS)
    if not with_pyarrow:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    expect(read_table(frame, required=KINDS))
    expect(read_table(dict(frame.items()), required=KINDS))
    nullable = frame.astype({"lots": "Int64", "price_usd": "Float64", "open": "boolean"})
    expect(read_table(nullable, required=KINDS))
    expect(read_table(frame.astype({"account": "category"}), required=KINDS))
    expect(read_table(frame.set_index(np.array([5, 5, 9])), required=KINDS))


def test_duckdb():
    duckdb = pytest.importorskip("duckdb")
    table = Table(COLUMNS)
    with duckdb.connect() as connection:
        connection.register("t", table)
        expect(read_table(connection.sql("select * from t"), required=KINDS))


def test_numbers_are_not_copied_on_the_way_in():
    pa = pytest.importorskip("pyarrow")
    from margin_core._binding._arrow import import_stream

    table = pa.table({"x": np.arange(1000.0)})
    address = table["x"].chunk(0).buffers()[1].address
    ((_, values, null),), n = import_stream(table)
    assert (values.ctypes.data, null, n) == (address, None, 1000)
    del table
    assert values.sum() == 499_500 and not values.flags.writeable


# What a column must hold


@pytest.mark.parametrize(
    "values, kind, row, why",
    [
        ([1, None], "int", 1, "has no value"),
        ([1.0, float("nan")], "float", 1, "has no value"),
        (["a", None], "str", 1, "has no value"),
        ([True, None], "bool", 1, "has no value"),
        ([1.0, float("inf")], "float", 1, "inf is not finite"),
        ([1.0, 2.5], "int", 1, "2.5 is not a whole number"),
        ([1.0, 1e300], "int", 1, "1e[+]300 is not a whole number"),
        (["1", "2"], "int", 0, "'1' is not a whole number"),
        (["1", "2"], "float", 0, "'1' is not a number"),
        ([True, False], "float", 0, "True is not a number"),
        ([True, False], "int", 0, "True is not a whole number"),
        ([1, 0], "bool", 0, "1 is not true or false"),
        ([1, 2], "str", 0, "1 is not text"),
        (["a", 2], "str", 1, "2 is not text"),
        ([0, 2**53 + 1], "float", 1, "beyond 2.53"),
        ([0, 2**70], "int", 0, "is not a whole number"),
        (["x" * 5000], "str", 0, "longer than 4096"),
        ([1.5, 2.0], "id", 0, "1.5 is not a whole number"),
        ([[1], [2]], "float", 0, "is not a number"),
        ([{}], "str", 0, "is not text"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_row(values, kind, row, why):
    with pytest.raises(FileError, match=f"^mine, row {row}, x: .*{why}") as caught:
        read_table({"x": values}, name="mine", required={"x": kind})
    assert caught.value.row == row


def test_nullable_columns_say_no_value_as_nan_or_none():
    source = {"s": ["a", None], "f": [None, 1.0], "g": [1.0, float("nan")]}
    out = read_table(source, required={"s": "str", "f": "float", "g": "float"}, nullable="sfg")
    assert out["s"].tolist() == ["a", None]
    assert np.isnan(out["f"]).tolist() == [True, False]
    assert np.isnan(out["g"]).tolist() == [False, True]


def test_ids_are_whole_numbers_or_text(tmp_path):
    def read(text):
        (tmp_path / "t.csv").write_text(text)
        return read_table(tmp_path / "t.csv", required={"id": "id"})["id"].tolist()

    assert read("id\n7\n12\n") == [7, 12]
    assert read("id\n007\n12\n") == ["007", "12"]  # not the number 7
    assert read("id\n-1\n12\n") == ["-1", "12"]
    assert read("id\na\n12\n") == ["a", "12"]
    assert read_table({"id": np.array([1.0, 2.0])}, required={"id": "id"})["id"].tolist() == [1, 2]


def test_columns_have_other_names_and_unknown_ones():
    asked = {"instrument|name": "str"}
    assert list(read_table({"name": ["x"]}, required=asked)) == ["instrument"]
    with pytest.raises(FileError, match="both 'instrument' and 'name'"):
        read_table({"name": ["x"], "instrument": ["x"]}, required=asked)
    with pytest.raises(FileError, match="no column 'instrument'; there are: nam"):
        read_table({"nam": ["x"]}, required=asked)
    with pytest.raises(FileError, match="unknown column 'lotz'"):
        read_table({"name": ["x"], "lotz": [1]}, required=asked, extra="refuse")
    with pytest.raises(ArgumentError, match="no column kind"):
        read_table({"x": [1]}, required={"x": "decimal"})


@pytest.mark.parametrize(
    "source, why",
    [
        (7, "cannot read a table from int"),
        (object(), "cannot read a table from object"),
        ({"x": [1], "y": [1, 2]}, "column 'y' has 2 rows, not 1"),
        ({"x": "abc"}, "not one text"),
        ({"x": np.ones((2, 2))}, "one dimension, not 2"),
        ({7: [1]}, "name must be text"),
        ([1, 2], "row 0: a record is a mapping"),
        ("chain.xlsx", "must end in .csv, .json or .parquet"),
        ("nowhere.csv", "No such file"),
        ("bad\0name.csv", "null"),
    ],
)
def test_what_is_no_table_is_refused(source, why):
    with pytest.raises(FileError, match=why):
        read_table(source, required={"x": "float"})


def test_foreign_arrow_types_are_refused_only_when_asked_for():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"x": [1.0], "list": [[1]], "when": pa.array([1], pa.date64())})
    assert read_table(table, required={"x": "float"})["x"].tolist() == [1.0]
    with pytest.raises(FileError, match=r"list: Arrow's type '\+l' is not supported"):
        read_table(table, required={"list": "float"})
    with pytest.raises(FileError, match="row 0, when: .* is not a number"):
        read_table(table, required={"when": "float"})


def test_a_source_that_stumbles_gives_our_error():
    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError("the database is gone")

    class Liar:
        def __arrow_c_stream__(self, requested_schema=None):
            return 7

    with pytest.raises(FileError, match="RuntimeError: the database is gone"):
        read_table(Broken(), required={"x": "float"})
    with pytest.raises(FileError, match="cannot be read"):
        read_table(Liar(), required={"x": "float"})


def test_a_stream_is_read_once():
    class Once:
        def __init__(self):
            self.stream = Table({"x": [1.0]}).__arrow_c_stream__()

        def __arrow_c_stream__(self, requested_schema=None):
            return self.stream

    once = Once()
    assert read_table(once, required={"x": "float"})["x"].tolist() == [1.0]
    with pytest.raises(FileError, match="has been read already"):
        read_table(once, required={"x": "float"})


# Files that are not what they say


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "is empty"),
        ("\n1\n", "is empty"),
        ("x,x\n1,2\n", "the column 'x' stands twice"),
        ("x,\n1,2\n", "name must be text"),
        ("x,y\n1,2\n1\n", r"row 1 \(line 3\): 1 cells for 2 columns"),
        ("x,y\n1,2\n1,2,3\n", r"row 1 \(line 3\): 3 cells for 2 columns"),
        ("x,y\n1,2\n\n1,2\n", r"row 1 \(line 3\): an empty line"),
        ('x,y\n1,"a\nb"\nq,1\n', r"row 1 \(line 4\), x: 'q' is not a number"),
        ('x,y\n1,"open\n', "not CSV"),
        ('x,y\n1,"a"b\n', "not CSV"),
        ("x\n1\0\n", r"\(line 2\): holds a NUL"),
        ("x\n\n", r"row 0 \(line 2\): an empty line"),
        ("x,y\n,1\n", r"row 0 \(line 2\), x: has no value"),
        ("x\nnan\n", "'nan' is not a number"),
        ("x\ninf\n", "'inf' is not a number"),
        ("x\n1_0\n", "'1_0' is not a number"),
        ("x\n 1\n", "' 1' is not a number"),
        ("x\n0x10\n", "'0x10' is not a number"),
        ('x\n"1,5"\n', "'1,5' is not a number"),
        ("x\n1e999\n", "'1e999' is not finite"),
        ("x\n1\n--1\n", r"row 1 \(line 3\), x: '--1' is not a number"),
        ("x\n\u0661\n", "is not a number"),
        ('x\n"1\n2"\n', "is not a number"),
    ],
)
def test_csv_is_strict(text, why, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    with pytest.raises(FileError, match=why) as caught:
        read_table(path, required={"x": "float"})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("cell", ["9223372036854775808", "1" * 5000, "1.0", "1-", "-"])
def test_whole_numbers_in_csv_are_strict(cell, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"x\n-9223372036854775808\n{cell}\n")
    with pytest.raises(FileError, match=r"row 1 \(line 3\), x: .* is not a whole number"):
        read_table(path, required={"x": "int"})


def test_csv_that_is_not_utf8_names_the_line(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"x\n1\n\xff\n")
    with pytest.raises(FileError, match=r"\(line 3\): not UTF-8"):
        read_table(tmp_path / "t.csv", required={"x": "float"})


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"x": [NaN]}', "NaN is not JSON"),
        ('{"x": [-Infinity]}', "-Infinity is not JSON"),
        ('{"x": [1e999]}', "1e999 is too large"),
        ('{"x": [1], "x": [2]}', "the key 'x' stands twice"),
        ('[{"x": 1, "x": 2}]', "the key 'x' stands twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"x": ' * 100_000, "nested too deeply"),
        ("7", "a list of records or an object of columns"),
        ('{"x": 7}', "x: expected a list of records"),
        ('{"x": [' + "9" * 5000 + "]}", "more than 64 digits"),
        ('{"x": [1] }trailing', "not JSON: Extra data"),
        ('{"x": [[1]]}', "is not a number"),
        ('[{"x": 1}, {"y": 1}]', "row 1, x: has no value"),
    ],
)
def test_json_is_strict(text, why, tmp_path):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(FileError, match=why):
        read_table(path, required={"x": "float"})


def test_parquet_needs_its_extra(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install margin-core\[parquet\]"):
        read_table(tmp_path / "t.parquet", required={"x": "float"})


def test_an_unsafe_pyarrow_is_not_used(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    monkeypatch.setattr(pa, "__version__", "14.0.0")
    with pytest.raises(MissingExtraError, match="14.0.0 is unsafe"):
        read_table(tmp_path / "t.parquet", required={"x": "float"})


@pytest.fixture(scope="module")
def parquet_bytes(tmp_path_factory):
    pytest.importorskip("pyarrow")
    path = tmp_path_factory.mktemp("p") / "t.parquet"
    Table(COLUMNS).to_parquet(path)
    return path.read_bytes()


def test_a_damaged_column_is_an_error_and_not_the_end_of_the_process(fixtures):
    pytest.importorskip("pyarrow")
    with pytest.raises(FileError, match="not a sound Parquet file"):
        read_table(fixtures / "damaged_histogram.parquet", required=KINDS)


def test_a_small_parquet_file_does_not_unfold(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    text = pa.DictionaryArray.from_arrays(np.zeros(200_000, dtype="i4"), ["x" * 4000])
    parquet.write_table(pa.table({"x": text}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    values = read_table(tmp_path / "t.parquet", required={"x": "str"})["x"]
    assert values[0] is values[-1]  # 200,000 times the same text, not 800 MB of it


@pytest.mark.parametrize("limit", ["MAX_ROWS", "MAX_COLUMNS", "MAX_DECOMPRESSED"])
def test_parquet_has_limits(limit, parquet_bytes, tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(parquet_bytes)
    monkeypatch.setattr(tables, limit, 2)
    with pytest.raises(FileError, match="more than 2 (rows|columns|bytes)"):
        read_table(tmp_path / "t.parquet", required=KINDS)


def test_other_sources_have_limits(tmp_path, monkeypatch):
    as_csv(tmp_path / "t.csv")
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    for source in (tmp_path / "t.csv", COLUMNS, Table(COLUMNS)):
        with pytest.raises(FileError, match="more than 2 rows"):
            read_table(source, required=KINDS)
    monkeypatch.setattr(tables, "MAX_COLUMNS", 2)
    for source in (tmp_path / "t.csv", COLUMNS, [dict.fromkeys("abc", 1)]):
        with pytest.raises(FileError, match="more than 2 columns"):
            read_table(source, required=KINDS)


# Hostile bytes: our error or columns, never anything else

slow = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=200)


def read_hostile(path):
    with contextlib.suppress(MarginCoreError):
        read_table(path, required={"x": "float"}, optional=KINDS | {"id": "id"})


@slow
@given(st.binary(max_size=300) | st.text('x,"\n\r1.e-+_ nai\0', max_size=80).map(str.encode))
def test_any_bytes_as_csv(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "hostile.csv"
    path.write_bytes(b"x\n" + data if len(data) % 2 else data)
    read_hostile(path)


@slow
@given(st.binary(max_size=300) | st.text('{}[]":,x1.e-+NaInfity0\\u', max_size=80).map(str.encode))
def test_any_bytes_as_json(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_bytes(data)
    read_hostile(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


@slow
@given(json_values | st.lists(st.dictionaries(st.sampled_from(["x", "lots", "id"]), json_values)))
def test_any_document_as_a_table(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "document.json"
    path.write_text(json.dumps(document))
    read_hostile(path)


@slow
@given(st.data())
def test_a_damaged_parquet_file(parquet_bytes, tmp_path_factory, data):
    damaged = bytearray(parquet_bytes)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(damaged)) | st.integers(0, len(damaged)))
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    path.write_bytes(damaged[:cut])
    with contextlib.suppress(MarginCoreError):
        read_table(path, required=KINDS)


@given(json_values)
def test_strict_json_reads_what_json_means(document):
    text = json.dumps(document)
    try:
        value = parse_json(text, "text")
    except FileError as error:
        assert any(word in str(error) for word in ("is not JSON", "digits"))
    else:
        assert value == json.loads(text)


def test_names_are_text_or_whole_numbers():
    def names(values, **options):
        return read_table({"n": values}, required={"n": "name"}, **options)["n"].tolist()

    assert names(["a", "7"]) == ["a", "7"]
    assert names([7, 10**15]) == ["7", "1000000000000000"]
    assert names(np.array([7, 8], dtype=np.uint8)) == ["7", "8"]
    assert names([7.0, None], nullable=["n"]) == ["7", None]
    assert names(["x", None], nullable=["n"]) == ["x", None]
    for wrong in ([7.5], [True], [1e300], [None]):
        with pytest.raises(FileError, match="table, row 0, n: "):
            names(wrong)
