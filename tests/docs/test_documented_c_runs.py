# SPDX-License-Identifier: Apache-2.0
"""The C programs of the README and the guides compile without a warning and print what is shown.

They are linked with the library that the package holds; its symbols are the core's own.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from docs.blocks import ROOT, blocks, pages_with
from margin_core._binding import _errors

INCLUDE = ROOT / "src" / "margin_core" / "include"
PROGRAMS = [b for page in pages_with("c") for b in blocks(page, "c") if "int main(" in b.code]


@pytest.fixture(scope="module")
def library() -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no cc here")
    found = sorted(Path(_errors.__file__).parent.glob("libmargin_core.*"))
    if not found:
        pytest.skip("the package was built without a shared library")
    return found[0]


@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.page.stem)
def test_a_program_compiles_and_prints_what_is_shown(block, library, tmp_path):
    program = tmp_path / "program"
    source = tmp_path / "program.c"
    source.write_text(block.code, encoding="utf-8")
    built = subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}", str(source),
         str(library), f"-Wl,-rpath,{library.parent}", "-lm", "-o", str(program)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, f"{block.where}\n{built.stderr}"
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block.where}\n{done.stdout}{done.stderr}"
    if block.printed is not None:
        assert done.stdout == block.printed, block.where
