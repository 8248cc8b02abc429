# SPDX-License-Identifier: Apache-2.0
"""One SPDX line at the top of every source file."""

from architecture.tree import ROOT

FOLDERS = ("src", "python", "tests", "benchmarks", "examples", "scripts")
SUFFIXES = {".py", ".pyx", ".pxd", ".pyi", ".c", ".h", ".cpp", ".hpp"}
LINE = "SPDX-License-Identifier: Apache-2.0"


def test_every_source_file_has_the_line():
    without = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file() or not path.stat().st_size:
                continue
            if not any(LINE in line for line in path.read_text().splitlines()[:20]):
                without.append(str(path.relative_to(ROOT)))
    assert not without
