# SPDX-License-Identifier: Apache-2.0
"""Print one list of requirements of pyproject.toml, for `pip install -r`.

`build` is what a build without isolation needs, with CMake and Ninja where the machine has none
that are recent enough; `run` is what the package needs; any other word is an extra.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
OLDEST_CMAKE = (3, 21)  # cmake_minimum_required in CMakeLists.txt


def cmake_is_recent() -> bool:
    if shutil.which("cmake") is None:
        return False
    words = subprocess.run(["cmake", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", words)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_CMAKE


def requirements(name: str) -> list[str]:
    tables = tomllib.loads(PYPROJECT.read_text())
    if name == "run":
        return tables["project"]["dependencies"]
    if name != "build":
        return tables["project"]["optional-dependencies"][name]
    wanted = list(tables["build-system"]["requires"])
    if not cmake_is_recent():
        wanted.append("cmake>=3.21")
    if shutil.which("ninja") is None:
        wanted.append("ninja")
    return wanted


print("\n".join(requirements(sys.argv[1])))
