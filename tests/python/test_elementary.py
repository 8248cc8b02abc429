# SPDX-License-Identifier: Apache-2.0
"""exp, log and power of the core: within their bounds, shapes kept, bad input named."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import margin_core
from margin_core import elementary
from margin_core.errors import ArgumentError, DomainError, NotFiniteError

rng = np.random.default_rng(5)
# What decides a requirement from quotes: no exp or log of NumPy's, whose last bit is its build's.
FROM_QUOTES = ("quotes.py", "market.py", "margin.py", "risk.py", "sweep.py", "venues")


@pytest.mark.parametrize("name", ["exp", "expm1", "log"])
def test_a_function_is_near_numpys_and_keeps_the_shape(name):
    x = np.exp(rng.uniform(-30.0, 6.0, (7, 5)))
    got, want = getattr(elementary, name)(x), getattr(np, name)(x)
    assert got.shape == x.shape
    np.testing.assert_array_max_ulp(got, want, 3)


def test_a_power_broadcasts_and_reads_any_layout():
    x, p = rng.uniform(0.1, 9.0, (4, 3)).T, np.array([-0.5, 0.0, 0.3, 2.0])
    np.testing.assert_array_max_ulp(elementary.power(x, p), x**p, 3)
    assert elementary.power(4.0, 0.5) == 2.0


def test_bad_input_is_named_by_its_row():
    with pytest.raises(NotFiniteError) as error:
        elementary.exp([0.0, np.nan])
    assert error.value.row == 1
    with pytest.raises(DomainError) as error:
        elementary.log([[1.0, 2.0], [3.0, -4.0]])
    assert error.value.row == 3
    with pytest.raises(DomainError):
        elementary.power([0.0], 2.0)
    with pytest.raises(ArgumentError):
        elementary.power([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ArgumentError):
        elementary.log(["one"])


def test_nothing_between_quotes_and_requirements_uses_numpys():
    folder = Path(margin_core.__file__).parent
    files = [
        f
        for name in FROM_QUOTES
        for f in (
            [folder / name] if name.endswith(".py") else sorted((folder / name).rglob("*.py"))
        )
    ]
    assert len(files) > len(FROM_QUOTES)
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "np":
                assert node.attr not in {"exp", "expm1", "log", "log1p", "power"}, file
