# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import os
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from margin_core.adapters.files import write_atomically
from margin_core.adapters.tables import read_table
from margin_core.errors import ArgumentError, FileError
from margin_core.table import Table

COLUMNS = {
    "account": ["a", "b", None],
    "lots": np.array([1, -2, 3]),
    "equity_usd": [1.5, -2.0, math.nan],
    "ok": [True, False, True],
}
KINDS = {"account": "str", "lots": "int", "equity_usd": "float", "ok": "bool"}


texts = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.fixture
def table():
    return Table(COLUMNS)


def test_it_is_a_mapping_of_read_only_columns(table):
    assert list(table) == list(COLUMNS) == list(table.columns)
    assert len(table) == 3 and "lots" in table and "LOTS" not in table
    assert dict(table).keys() == COLUMNS.keys()
    with pytest.raises(ValueError, match="read-only"):
        table["lots"][0] = 9
    with pytest.raises(KeyError, match="no column 'profit'; there are account, lots"):
        table["profit"]


def test_the_callers_array_stays_the_callers():
    mine = np.array([1.0, 2.0])
    table = Table({"x": mine})
    mine[0] = 9.0
    assert table["x"][0] == 1.0


def test_rows_are_taken_by_mask_slice_or_index(table):
    assert table[table["lots"] > 0]["account"].tolist() == ["a", None]
    assert table[1:]["lots"].tolist() == [-2, 3]
    assert table[[2, 0]]["lots"].tolist() == [3, 1]
    assert len(table[[]]) == 0
    with pytest.raises(ArgumentError, match="a mask of 2 for 3 rows"):
        table[[True, False]]
    with pytest.raises(ArgumentError, match="slice or a mask"):
        table[0]


@pytest.mark.parametrize(
    "columns, why",
    [
        ({"x": [1], "y": [1, 2]}, "y has 2 rows, x has 1"),
        ({"x": [[1, 2]]}, "one dimension"),
        ({"x": [1 + 2j]}, "numbers, bools or text"),
        ({"x": np.array(["a", 3], dtype=object)}, "row 1: 3 is not text"),
        ({"": [1]}, "name must be text"),
        ({3: [1]}, "name must be text"),
    ],
)
def test_what_is_no_table_is_refused(columns, why):
    with pytest.raises(ArgumentError, match=why):
        Table(columns)


def test_equality_and_pickling(table):
    assert table == Table(COLUMNS)
    assert table != table[:2] and table != Table({"lots": table["lots"]})
    assert pickle.loads(pickle.dumps(table)) == table


def test_the_repr_is_tidy(table):
    assert repr(table) == (
        "account  lots  equity_usd  ok\n"
        "a           1         1.5  True\n"
        "b          -2          -2  False\n"
        "            3         nan  True"
    )
    long = repr(Table({"n": np.arange(100), "wide": ["x" * 200] * 100}))
    assert long.count("\n") == 12 and "100 rows" in long and "..." in long
    assert repr(Table({})) == "Table()"
    many = repr(Table({f"column_{i}": [i] for i in range(50)}))
    assert "1 row, 39 more columns" in many


def test_csv_reads_back_to_the_same_bits(table, tmp_path):
    path = tmp_path / "t.csv"
    table.to_csv(path)
    back = read_table(path, required=KINDS, nullable=["account", "equity_usd"])
    assert Table(back) == table
    assert path.read_bytes().startswith(b"account,lots,equity_usd,ok\na,1,1.5,true\n")
    assert os.listdir(tmp_path) == ["t.csv"]


def test_parquet_reads_back(table, tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    table.to_parquet(path)
    assert Table(read_table(path, required=KINDS, nullable=["account", "equity_usd"])) == table
    assert os.listdir(tmp_path) == ["t.parquet"]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum", "\tx"])
def test_text_that_a_spreadsheet_would_run_is_refused_or_escaped(text, tmp_path):
    path = tmp_path / "t.csv"
    table = Table({"n": [1, 2], "account": ["fine", text]})
    with pytest.raises(FileError, match="row 1, account: a spreadsheet would run"):
        table.to_csv(path)
    assert os.listdir(tmp_path) == []
    table.to_csv(path, formulas="escape")
    assert read_table(path, required={"account": "str"})["account"][1] == "'" + text
    table.to_csv(path, formulas="keep")
    assert read_table(path, required={"account": "str"})["account"][1] == text
    with pytest.raises(ArgumentError, match="'refuse', 'escape' or 'keep'"):
        table.to_csv(path, formulas="maybe")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")

    def stumble(file):
        file.write(b"half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_atomically(path, stumble)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["t.csv"]
    with pytest.raises(FileError, match="cannot write: No such file"):
        write_atomically(tmp_path / "none" / "t.csv", b"")


def test_a_write_keeps_permissions_and_follows_links(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    write_atomically(link, b"new")
    assert link.is_symlink() and path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_text_that_no_file_can_hold_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="account, row 1: .* is not Unicode"):
        Table({"account": ["a", "\ud800"]})
    with pytest.raises(FileError, match="row 1, account: CSV cannot hold a NUL"):
        Table({"account": ["a", "b\0"]}).to_csv(tmp_path / "t.csv")


@given(st.lists(texts.filter(lambda t: t is None or "\0" not in t), max_size=8))
def test_any_text_survives_csv(tmp_path_factory, items):
    path = tmp_path_factory.getbasetemp() / "text.csv"
    table = Table({"n": np.arange(len(items)), "s": np.array(items, dtype=object)})
    table.to_csv(path, formulas="keep")
    back = read_table(path, required={"s": "str"}, nullable=["s"])
    assert back["s"].tolist() == [item or None for item in items]


# Other libraries


def test_pyarrow_reads_it_without_copying_numbers(table):
    pa = pytest.importorskip("pyarrow")
    arrow = table.to_arrow()
    arrow.validate(full=True)
    assert arrow.to_pydict()["account"] == ["a", "b", None]
    address = arrow["lots"].chunk(0).buffers()[1].address
    assert address == table["lots"].ctypes.data
    assert pa.schema(table).names == list(table)
    del table
    assert arrow["lots"].to_pylist() == [1, -2, 3]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_every_number_type_goes_out_and_comes_back(dtype):
    pa = pytest.importorskip("pyarrow")
    values = np.array([0, 1, 100], dtype=dtype)
    column = pa.table(Table({"x": values}))["x"]
    assert column.type == pa.from_numpy_dtype(values.dtype)
    assert column.to_numpy().tolist() == values.tolist()


def test_polars_reads_it(table):
    pl = pytest.importorskip("polars")
    frame = table.to_polars()
    assert frame["account"].to_list() == ["a", "b", None]
    assert frame["ok"].to_list() == [True, False, True]
    assert frame.schema["lots"] == pl.Int64


def test_pandas_reads_it(table):
    pytest.importorskip("pandas")
    frame = table.to_pandas()
    assert frame["lots"].tolist() == [1, -2, 3]
    frame.loc[0, "lots"] = 5  # the frame is the caller's own
    assert table["lots"][0] == 1


def test_duckdb_reads_it(table):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.register("t", table)
        total = connection.sql("select sum(lots), count(account) from t").fetchall()
    assert total == [(2, 2)]


def test_a_table_without_rows_or_columns_goes_out(table):
    pa = pytest.importorskip("pyarrow")
    assert pa.table(table[:0]).num_rows == 0
    assert pa.table(Table({})).num_columns == 0


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.integers(0, 30).flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "s": st.lists(texts, min_size=n, max_size=n),
                "f": st.lists(st.floats(width=64), min_size=n, max_size=n),
                "i": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n),
                "b": st.lists(st.booleans(), min_size=n, max_size=n),
            }
        )
    ),
    st.data(),
)
def test_any_table_survives_arrow_and_slices_of_it(columns, data):
    pa = pytest.importorskip("pyarrow")
    dtypes = {"s": object, "f": np.float64, "i": np.int64, "b": np.bool_}
    table = Table({name: np.array(v, dtype=dtypes[name]) for name, v in columns.items()})
    arrow = pa.table(table)
    arrow.validate(full=True)
    first = data.draw(st.integers(0, len(table)))
    last = data.draw(st.integers(first, len(table)))
    whole = pa.concat_tables([arrow.slice(first, last - first), arrow.slice(last)])
    from margin_core._binding._arrow import import_stream

    back, n = import_stream(whole)
    assert n == len(table) - first
    for name, values, null in back:
        expected = table[name][first:]
        if name == "s":
            assert values.tolist() == expected.tolist()
            assert (null is not None and null.any()) == (None in expected.tolist())
        else:
            assert null is None
            np.testing.assert_array_equal(values, expected)
