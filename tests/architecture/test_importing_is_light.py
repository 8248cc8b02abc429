# SPDX-License-Identifier: Apache-2.0
"""`import margin_core` loads NumPy and itself: nothing that only files, plots or terminals need."""

import json
import subprocess
import sys

import pytest

HEAVY = {"pandas", "polars", "pyarrow", "pydantic", "click", "matplotlib", "scipy",
         "numba", "hypothesis", "tomllib", "importlib.metadata"}  # fmt: skip


def test_it_loads_nothing_heavy():
    script = "import json, sys, margin_core; print(json.dumps(sorted(sys.modules)))"
    pytest.importorskip("margin_core._binding._errors")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not HEAVY & set(json.loads(done.stdout))
