# SPDX-License-Identifier: Apache-2.0
"""The package's own names, whichever of its modules was loaded first."""

import subprocess
import sys

import pytest

SAME_NAME = ("sweep", "explain", "isa")


@pytest.mark.parametrize("name", SAME_NAME)
@pytest.mark.parametrize(
    "load",
    ["import margin_core.{name}", "from margin_core.{name} import {name}", "margin_core.explain"],
)
def test_a_function_is_not_hidden_by_the_module_of_its_name(name, load):
    script = f"import margin_core; {load.format(name=name)}; assert callable(margin_core.{name})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
