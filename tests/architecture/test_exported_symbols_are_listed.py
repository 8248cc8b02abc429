# SPDX-License-Identifier: Apache-2.0
"""The shared library exports what exports.txt lists, which is what the headers promise."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from architecture.tree import CORE, ROOT, exported


def listed():
    rows = (line.split() for line in (CORE / "exports.txt").read_text().splitlines())
    return {row[0]: row[1] for row in rows if row and not row[0].startswith("#")}


def test_the_list_is_what_the_headers_declare():
    assert listed() == exported()


def test_the_list_is_in_the_order_of_the_flow():
    umbrella = (CORE / "include" / "margin_core" / "margin_core.h").read_text()
    order = re.findall(r"#include <margin_core/(\w+\.h)>", umbrella)
    rows = list(listed().items())
    assert rows == sorted(rows, key=lambda row: (order.index(row[1]), row[0]))


@pytest.fixture(scope="module")
def shared_library(tmp_path_factory) -> Path:
    for tool in ("cmake", "cc", "nm"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here")
    folder = tmp_path_factory.mktemp("shared")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    options = {
        "BUILD_SHARED_LIBS": "ON", "CMAKE_BUILD_TYPE": "Debug", "MC_TESTS": "OFF",
        "MC_BENCHMARKS": "OFF", "MC_PYTHON": "OFF", "MC_INSTALL": "OFF",
    }  # fmt: skip
    defines = [f"-D{name}={value}" for name, value in options.items()]
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), *generator, *defines]
    for command in (configure, ["cmake", "--build", str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    libraries = [p for p in folder.rglob("libmargin_core.*") if p.suffix in (".so", ".dylib")]
    assert libraries, "no shared library was built"
    return libraries[0]


def test_the_shared_library_exports_exactly_the_list(shared_library):
    command = ["nm", "-D", "--defined-only", str(shared_library)]
    if shared_library.suffix == ".dylib":
        command = ["nm", "-gU", str(shared_library)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[-1].lstrip("_") for line in text.splitlines() if line.strip()}
    assert symbols - {"init", "fini"} == set(listed())
