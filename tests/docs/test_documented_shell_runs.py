# SPDX-License-Identifier: Apache-2.0
"""The shell blocks of the README and the guides that only use `margin-core` run as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.blocks import blocks, name_of, pages_with

#: A block with one of these installs, builds or goes out: it is not run here.
ELSEWHERE = re.compile(r"^\s*(sudo|git|make|cmake|cc|curl|pip|python3?) ", re.M)


def local(page):
    found = [block for block in blocks(page, "sh") if not ELSEWHERE.search(block.code)]
    return [block for block in found if "margin-core " in block.code]


@pytest.mark.parametrize("page", [p for p in pages_with("sh") if local(p)], ids=name_of)
def test_the_commands_of_a_page_run_in_order(page, tmp_path):
    bash, scripts = shutil.which("bash"), Path(sys.executable).parent
    if bash is None or not (scripts / "margin-core").exists():
        pytest.skip("no bash, or the package is not installed")
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    for block in local(page):
        done = subprocess.run(
            [bash, "-euo", "pipefail", "-c", block.code], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block.where}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), f"{block.where} prints nothing"
