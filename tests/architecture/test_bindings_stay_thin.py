# SPDX-License-Identifier: Apache-2.0
"""A binding takes shapes, releases the lock, makes one C call and raises; finance is elsewhere."""

import re

import pytest

from architecture.tree import BINDING

#: Bindings of the core; the Arrow reader moves memory and calls none of its functions.
CORE_BINDINGS = [
    path for path in sorted(BINDING.glob("*.pyx")) if "_binding.c_api cimport" in path.read_text()
]
ids = {"ids": lambda path: path.stem}


def code(path):
    text = re.sub(r'""".*?"""', '""', path.read_text(), flags=re.S)
    text = re.sub(r'f?"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"#.*", "", text)


@pytest.mark.parametrize("path", CORE_BINDINGS, **ids)
def test_a_binding_fits_in_200_lines(path):
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", CORE_BINDINGS, **ids)
def test_a_binding_has_no_number_but_small_whole_ones(path):
    """No rate, tolerance or default: those belong to the facade or to the core."""
    numbers = re.findall(r"(?<![\w.])(\d+\.\d*|\d*\.\d+|\d+e-?\d+|\d{2,})(?![\w.])", code(path))
    assert not numbers


@pytest.mark.parametrize("path", CORE_BINDINGS, **ids)
def test_a_binding_rounds_and_compares_no_money(path):
    assert not re.findall(r"\b(min|max|abs|round|sum|floor|ceil|sqrt|exp|log|pow)\s*\(", code(path))


@pytest.mark.parametrize("path", CORE_BINDINGS, **ids)
def test_a_binding_imports_no_numpy(path):
    assert not re.findall(r"^\s*(?:c?import|from) numpy", code(path), re.M)


def test_every_binding_is_marked_for_free_threading():
    for path in sorted(BINDING.glob("*.pyx")):
        assert "freethreading_compatible=True" in path.read_text(), path.name
