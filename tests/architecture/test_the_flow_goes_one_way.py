# SPDX-License-Identifier: Apache-2.0
"""A stage includes only itself, what stands before it, and public headers."""

import re

from architecture.tree import CORE, STAGES, c_files

PRIVATE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def test_every_folder_of_the_core_is_a_stage():
    folders = {path.name for path in CORE.iterdir() if path.is_dir() and any(path.rglob("*.[ch]"))}
    assert folders - {"include"} <= set(STAGES)


def test_no_stage_includes_a_later_one():
    for source in c_files():
        stage = source.relative_to(CORE).parts[0]
        if stage == "include":
            continue
        allowed = STAGES[: STAGES.index(stage) + 1]
        for included in PRIVATE.findall(source.read_text()):
            assert included.split("/")[0] in allowed, (
                f"{source.relative_to(CORE)} reaches forward to {included}"
            )


def test_private_includes_say_which_stage_they_come_from():
    for source in c_files():
        for included in PRIVATE.findall(source.read_text()):
            assert (CORE / included).is_file(), f"{source.relative_to(CORE)}: {included}"


def test_public_headers_include_only_public_headers():
    for header in (CORE / "include").rglob("*.h"):
        assert not PRIVATE.findall(header.read_text()), header.name


def test_the_umbrella_holds_every_public_header_in_the_order_of_the_flow():
    folder = CORE / "include" / "margin_core"
    umbrella = re.findall(
        r"#include <margin_core/(\w+\.h)>", (folder / "margin_core.h").read_text()
    )
    assert sorted(umbrella) == sorted(h.name for h in folder.glob("*.h") if h.stem != "margin_core")
    for header in folder.glob("*.h"):
        if header.stem == "margin_core":
            continue
        for included in re.findall(r"#include <margin_core/(\w+\.h)>", header.read_text()):
            assert umbrella.index(included) < umbrella.index(header.name), (
                f"{header.name} includes {included}, which comes later"
            )


def test_the_core_reads_no_clock_no_file_and_no_environment_but_the_kernels_name():
    forbidden = re.compile(
        r"\b(time|clock|clock_gettime|gettimeofday|fopen|open|printf|fprintf|puts|rand|srand)\s*\("
    )
    for source in c_files():
        text = re.sub(r'"(\\.|[^"\\])*"', '""', source.read_text())
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        assert not forbidden.findall(text), source.relative_to(CORE)
