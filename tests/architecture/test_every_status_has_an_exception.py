# SPDX-License-Identifier: Apache-2.0
"""Every status of the C core becomes one exception class, which is also a familiar built-in."""

import re

import pytest

from architecture.tree import HEADERS
from margin_core import errors


def statuses():
    text = (HEADERS / "status.h").read_text()
    return re.findall(r"^\s+(MC_(?:OK|ERR_\w+)) = (\d+)", text, re.M)


def test_every_status_has_exactly_one_exception():
    names = [name for name, _ in statuses()]
    assert set(errors.EXCEPTION_OF_STATUS) == set(names) - {"MC_OK"}
    classes = list(errors.EXCEPTION_OF_STATUS.values())
    assert len(set(classes)) == len(classes)


def test_numbers_run_without_gaps():
    assert [int(number) for _, number in statuses()] == list(range(len(statuses())))


def test_the_library_knows_the_same_names():
    binding = pytest.importorskip("margin_core._binding._errors")
    assert binding.status_names() == [name for name, _ in statuses()]


def test_every_exception_is_a_built_in_too_and_carries_its_row():
    for error in errors.EXCEPTION_OF_STATUS.values():
        assert issubclass(error, errors.MarginCoreError)
        built_in = [base for base in error.__mro__ if base.__module__ == "builtins"]
        assert built_in[0] not in (Exception, BaseException, object)
        raised = error("one sentence", row=3)
        assert (str(raised), raised.row) == ("one sentence", 3)
