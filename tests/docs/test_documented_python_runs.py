# SPDX-License-Identifier: Apache-2.0
"""Every Python block of the README and the guides runs, in order, and prints what is shown."""

import contextlib
import io

import pytest

from docs.blocks import blocks, name_of, pages_with


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
def test_the_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block.code, block.where, "exec"), names)
        if block.printed is not None:
            assert out.getvalue() == block.printed, block.where
