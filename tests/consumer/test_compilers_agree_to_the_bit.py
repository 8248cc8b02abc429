# SPDX-License-Identifier: Apache-2.0
"""gcc and clang, at -O1, -O2 and -O3, compute the same numbers from one workload.

tests/c/fingerprint.c hashes them; ctest compares its own build with tests/c/fingerprint.txt. Here
one other compiler does, and every compiler at every level in the nightly run.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILERS = [name for name in ("gcc", "clang", "clang-19") if shutil.which(name) is not None]


def check(compiler, level, folder):
    if shutil.which("cmake") is None:
        pytest.skip("no cmake here")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    for command in (
        ["cmake", "-S", ROOT, "-B", folder, *generator, f"-DCMAKE_C_COMPILER={compiler}",
         "-DCMAKE_BUILD_TYPE=None", f"-DCMAKE_C_FLAGS={level}", "-DMC_TESTS=ON"],
        ["cmake", "--build", folder, "--target", "fingerprint"],
        [folder / "tests" / "c" / "fingerprint", ROOT / "tests" / "c" / "fingerprint.txt"],
    ):  # fmt: skip
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{compiler} {level}\n{done.stdout}{done.stderr}"


def test_another_compiler_returns_the_same_bits(tmp_path):
    others = [name for name in COMPILERS if name.startswith("clang")]
    if not others:
        pytest.skip("no clang here; the C tests checked the default compiler")
    check(others[0], "-O2", tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_level_of_every_compiler_returns_the_same_bits(compiler, level, tmp_path):
    check(compiler, level, tmp_path)
