# SPDX-License-Identifier: Apache-2.0
"""The version stands in version.h; everything else reads it there."""

import importlib.metadata
import re

import pytest

from architecture.tree import HEADERS, PACKAGE, ROOT


def version():
    text = (HEADERS / "version.h").read_text()
    return re.search(r'#define MC_VERSION "([^"]+)"', text)[1]


def test_it_has_three_parts():
    assert re.fullmatch(r"\d+\.\d+\.\d+", version())


def test_no_other_source_repeats_it():
    files = [
        ROOT / "CMakeLists.txt", ROOT / "pyproject.toml",
        *(p for p in (ROOT / "src").rglob("*") if p.suffix in (".c", ".h", ".txt", ".in")),
        *(p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".pyx", ".pxd", ".pyi", ".txt")),
    ]  # fmt: skip
    repeated = [p for p in files if re.search(rf"(?<![\w.]){re.escape(version())}(?![\w.])",
                                              p.read_text())]  # fmt: skip
    assert repeated == [HEADERS / "version.h"]


def test_the_installed_package_has_it():
    try:
        installed = importlib.metadata.version("margin-core")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("margin-core is not installed")
    assert installed == version()


def test_the_facade_and_the_linked_library_have_it():
    margin_core = pytest.importorskip("margin_core")
    errors = pytest.importorskip("margin_core._binding._errors")
    assert errors.version() == version()
    assert margin_core.__version__ == version()
