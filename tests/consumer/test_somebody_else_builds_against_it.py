# SPDX-License-Identifier: Apache-2.0
"""A C and a C++ program build and run against the library in every way that it is offered.

Both are the examples. What a machine has no tool for is skipped by name.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import margin_core

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "consumer"
PACKAGE = Path(margin_core.__file__).parent
EXAMPLES = {
    "margin_account": "equity 25100.00 USD, maintenance",
    "rank_accounts": "account 1: equity 20000, worst loss 15000",
}


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here")


def run(*command, **more):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **more
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def configure(source, build, *options):
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    run("cmake", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Debug", *generator, *options)
    run("cmake", "--build", build)


def check_programs(build):
    for name, words in EXAMPLES.items():
        assert run(build / name).startswith(words)


@pytest.fixture(scope="module", params=["static", "shared"])
def installed(request, tmp_path_factory):
    need("cmake", "cc", "c++")
    folder = tmp_path_factory.mktemp(request.param)
    shared = "ON" if request.param == "shared" else "OFF"
    options = ["-DMC_TESTS=OFF", f"-DBUILD_SHARED_LIBS={shared}", "-DCMAKE_INSTALL_LIBDIR=lib"]
    configure(ROOT, folder / "build", *options, f"-DCMAKE_INSTALL_PREFIX={folder / 'first'}")
    run("cmake", "--install", folder / "build")
    # An installed folder may be moved: nothing in it knows where it was.
    return (folder / "first").rename(folder / "moved")


def test_find_package_finds_what_was_installed(installed, tmp_path):
    configure(HERE / "find_package", tmp_path, f"-DCMAKE_PREFIX_PATH={installed}")
    check_programs(tmp_path)


def test_pkg_config_finds_what_was_installed(installed, tmp_path):
    need("pkg-config")
    search = {**os.environ, "PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "--static", "margin_core", env=search).split()
    assert run("pkg-config", "--modversion", "margin_core", env=search).strip() == (
        margin_core.__version__
    )
    for compiler, source in (("cc", "c/margin_account.c"), ("c++", "cpp/rank_accounts.cpp")):
        program = ROOT / "examples" / source
        run(
            compiler,
            program,
            *flags,
            f"-Wl,-rpath,{installed / 'lib'}",
            "-o",
            tmp_path / program.stem,
        )
    check_programs(tmp_path)


def test_a_folder_of_another_project_stays_quiet(tmp_path):
    need("cmake", "cc", "c++")
    configure(HERE / "add_subdirectory", tmp_path)
    check_programs(tmp_path)


# ---- what the wheel carries ----


@pytest.fixture(scope="module")
def wheel():
    if not (PACKAGE / "lib" / "libmargin_core.a").exists():
        pytest.skip("margin_core is installed in place here: no headers, no library")
    return PACKAGE


def test_the_package_carries_headers_library_and_declarations(wheel):
    headers = {path.name for path in (ROOT / "src/margin_core/include/margin_core").glob("*.h")}
    assert {path.name for path in (wheel / "include/margin_core").glob("*.h")} == headers
    assert (wheel / "_binding" / "c_api.pxd").exists()
    assert (wheel / "py.typed").exists()


def test_find_package_finds_the_package(wheel, tmp_path):
    need("cmake", "cc", "c++")
    points = importlib.metadata.entry_points(group="cmake.root")
    assert {point.name: point.value for point in points}.get("margin_core") == "margin_core"
    configure(HERE / "find_package", tmp_path, f"-Dmargin_core_ROOT={wheel}")
    check_programs(tmp_path)


def test_a_cython_module_links_with_the_package(wheel, tmp_path):
    need("cc")
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    shutil.copytree(HERE / "cython", tmp_path, dirs_exist_ok=True)
    run(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", cwd=tmp_path)
    code = "import consumer; print(consumer.call_price(100.0, 100.0, 1.0, 0.2))"
    assert run(sys.executable, "-c", code, cwd=tmp_path).startswith("7.9655674554")
