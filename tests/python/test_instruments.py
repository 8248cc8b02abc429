# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from margin_core.errors import (
    ArgumentError,
    DomainError,
    FileError,
    NotFiniteError,
    RowOrderError,
    UnknownInstrumentError,
)
from margin_core.instruments import Instruments, Kind

NAMES = ["BTC", "USDC", "BTC-PERPETUAL", "BTC-27DEC24", "BTC-27DEC24-100000-C",
         "SOL_USDC-27DEC24-142d5-P"]  # fmt: skip


@pytest.fixture
def instruments():
    return Instruments.from_names(NAMES)


def test_columns_follow_the_names(instruments):
    assert instruments.units == ("BTC", "USDC", "SOL")
    assert instruments.currencies == ("BTC", "USDC")
    assert instruments.unit.tolist() == [0, 1, 0, 0, 0, 2]
    assert instruments.settlement.tolist() == [0, 1, 0, 0, 0, 1]
    assert instruments.kind.tolist() == [0, 0, 1, 2, 3, 4]
    assert instruments.inverse.tolist() == [False, False, True, True, True, False]
    assert instruments.strike.tolist() == [0, 0, 0, 0, 100_000, 142.5]
    assert instruments.contract_size.tolist() == [1.0] * 6
    assert instruments.step.tolist() == [1e-8, 1e-6, 1.0, 1.0, 0.1, 1e-4]
    assert (instruments.unit.dtype, instruments.kind.dtype) == (np.int32, np.uint8)


def test_columns_cannot_be_written(instruments):
    for column in ("name", "unit", "kind", "expiry_ns", "strike", "step"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(instruments, column)[0] = 1


def test_the_callers_arrays_stay_the_callers():
    step = np.ones(len(NAMES))
    instruments = Instruments.from_names(NAMES, step=step)
    step[0] = 7.0
    assert instruments.step[0] == 1.0


def test_names_become_rows_and_aliases_too(instruments):
    rows = instruments.index_of(["BTC-27DEC24", "BTC/USD:BTC", "BTC-27DEC24", "BTC/USD:BTC"])
    assert rows.tolist() == [3, 2, 3, 2]
    assert rows.dtype == np.int32
    assert instruments.index_of([]).tolist() == []
    assert instruments.index_of(np.array(["USDC", "BTC"])).tolist() == [1, 0]


@pytest.mark.parametrize(
    "names, row, why",
    [
        (["BTC", "ETH", "DOGE"], 1, "ETH is not among the 6 instruments"),
        (["BTC", "BTC-31FEB26"], 1, "not a date"),
        (["BTC", "BTC/USD:BTC-260605"], 1, "BTC-5JUN26 is not among"),
        (["BTC", None], 1, "must be text"),
    ],
)
def test_the_first_unknown_name_is_named(instruments, names, row, why):
    with pytest.raises(UnknownInstrumentError, match=f"row {row}: .*{why}") as caught:
        instruments.index_of(names)
    assert caught.value.row == row


def test_one_text_is_not_a_sequence_of_names():
    with pytest.raises(ArgumentError, match="not one string"):
        Instruments.from_names("BTC")


def test_a_bad_or_repeated_name_is_named_by_row():
    with pytest.raises(UnknownInstrumentError, match="row 1: 'eth'") as caught:
        Instruments.from_names(["BTC", "eth"])
    assert caught.value.row == 1
    with pytest.raises(RowOrderError, match="row 2: BTC is already in row 0") as caught:
        Instruments.from_names(["BTC", "ETH", "BTC"])
    assert caught.value.row == 2
    with pytest.raises(RowOrderError, match="BTC-PERPETUAL is already in row 0"):
        Instruments.from_names(["BTC-PERPETUAL", "BTC/USD:BTC"])


@pytest.mark.parametrize("rows", [[4, 0], [False, True, True, False, False, True], []])
def test_select_takes_rows(instruments, rows):
    taken = instruments.select(rows)
    assert taken.name.tolist() == instruments.name[np.array(rows, dtype=bool if len(rows) == 6
                                                            else int)].tolist()  # fmt: skip
    assert taken.units == instruments.units


def test_a_mask_of_the_wrong_length_is_refused(instruments):
    with pytest.raises(ArgumentError, match="a mask of 2 for 6"):
        instruments.select([True, False])


def test_concat_joins_units_and_refuses_a_name_twice(instruments):
    more = Instruments.from_names(["ETH-PERPETUAL", "SOL_USDC-PERPETUAL"])
    joined = Instruments.concat([instruments, more])
    assert joined.units == ("BTC", "USDC", "SOL", "ETH")
    assert joined.currencies == ("BTC", "USDC", "ETH")
    assert [joined.units[u] for u in joined.unit[-2:]] == ["ETH", "SOL"]
    assert [joined.currencies[c] for c in joined.settlement[-2:]] == ["ETH", "USDC"]
    assert len(Instruments.concat([])) == 0
    with pytest.raises(RowOrderError, match="BTC is already in row 0"):
        Instruments.concat([instruments, instruments])


def columns(instruments, **changes):
    names = ("name", "unit", "kind", "expiry_ns", "strike", "contract_size", "inverse",
             "settlement", "step", "units", "currencies")  # fmt: skip
    out = {name: getattr(instruments, name) for name in names}
    for name, (row, value) in changes.items():
        out[name] = out[name].copy()
        out[name][row] = value
    return out


@pytest.mark.parametrize(
    "change, error, why",
    [
        ({"strike": (4, 0.0)}, DomainError, "row 4 .*strike: must be positive"),
        ({"strike": (3, 1.0)}, DomainError, "row 3 .*strike: must be 0"),
        ({"strike": (4, np.nan)}, NotFiniteError, "row 4 .*strike: not finite"),
        ({"step": (1, 0.0)}, DomainError, "row 1 .*step: must be positive"),
        ({"contract_size": (1, -1.0)}, DomainError, "row 1 .*contract_size: must be positive"),
        ({"kind": (0, 9)}, DomainError, "row 0 .*kind: no such kind"),
        ({"expiry_ns": (2, 5)}, DomainError, "row 2 .*expiry_ns: must be 0"),
        ({"expiry_ns": (3, 0)}, DomainError, "row 3 .*expiry_ns: must be positive"),
        ({"unit": (0, 3)}, DomainError, "row 0 .*unit: no such row"),
        ({"settlement": (3, 1)}, DomainError, "row 3 .*settlement: must be the underlying"),
    ],
)
def test_terms_that_cannot_be_are_refused(instruments, change, error, why):
    with pytest.raises(error, match=why):
        Instruments(**columns(instruments, **change))


def test_columns_of_another_length_are_refused(instruments):
    given = columns(instruments)
    given["step"] = given["step"][:2]
    with pytest.raises(ArgumentError, match=r"step has shape \(2,\) for 6 names"):
        Instruments(**given)


def test_a_table_of_terms_reads_back(instruments):
    again = Instruments.from_table(instruments.to_table())
    for column in ("name", "kind", "expiry_ns", "strike", "contract_size", "inverse", "step"):
        assert getattr(again, column).tolist() == getattr(instruments, column).tolist()
    assert again.units == instruments.units


def test_with_a_kind_column_names_are_free():
    table = {"instrument": ["wstETH", "my call"], "unit": ["ETH", "ETH"], "kind": ["spot", "CALL"],
             "settlement": ["ETH", "ETH"], "expiry_ns": [0, 10**18],
             "strike": [0.0, 1.5]}  # fmt: skip
    instruments = Instruments.from_table(table)
    assert instruments.kind.tolist() == [Kind.SPOT, Kind.CALL]
    assert instruments.inverse.tolist() == [False, True]


def test_errors_of_a_table_name_it_and_the_row():
    with pytest.raises(FileError, match="mine, row 1: 'x'") as caught:
        Instruments.from_table({"instrument": ["BTC", "x"]}, name="mine")
    assert caught.value.row == 1
    with pytest.raises(FileError, match="instruments, row 0, step: has no value"):
        Instruments.from_table({"name": ["BTC"], "step": [np.nan]})
    with pytest.raises(FileError, match="row 0 .*, kind: no such kind, got 'swap'"):
        Instruments.from_table({"name": ["X"], "unit": ["X"], "kind": ["swap"]})
    with pytest.raises(FileError, match="a unit column is needed"):
        Instruments.from_table({"name": ["X"], "kind": ["spot"]})


def test_the_repr_counts(instruments):
    assert repr(instruments) == (
        "Instruments(6: 2 spot, 1 perpetual, 1 future, 1 call, 1 put; units BTC, USDC, SOL; "
        "expiry 27DEC24)"
    )
    assert repr(Instruments.from_names([])) == "Instruments(0)"
