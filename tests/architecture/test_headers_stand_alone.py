# SPDX-License-Identifier: Apache-2.0
"""Every public header compiles alone, as C11 and as C++17, without a warning."""

import re
import shutil
import subprocess

import pytest

from architecture.tree import HEADERS

LANGUAGES = {"c": ["cc", "-x", "c", "-std=c11"], "c++": ["c++", "-x", "c++", "-std=c++17"]}
NAMES = sorted(path.name for path in HEADERS.glob("*.h"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_header_compiles_alone(name, language):
    compiler, *options = LANGUAGES[language]
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    done = subprocess.run(
        [compiler, *options, "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         f"-I{HEADERS.parent}", "-"],
        input=f"#include <margin_core/{name}>\nextern int something;\n",  # ISO C wants one
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_header_says_what_it_is_and_fits_a_few_screens(name):
    lines = (HEADERS / name).read_text().splitlines()
    assert lines[0].startswith(f"/* {name} - ")
    assert len(lines) <= 160
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_a_header_has_the_librarys_prefix(name):
    text = (HEADERS / name).read_text()
    for kind in ("define", "ifndef"):
        for macro in re.findall(rf"^#{kind} (\w+)", text, re.M):
            assert macro.startswith(("MC_", "MARGIN_CORE_")), macro
    for typedef in re.findall(r"^typedef (?:struct|enum) (\w+)", text, re.M):
        assert typedef.startswith("mc_"), typedef
