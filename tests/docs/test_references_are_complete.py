# SPDX-License-Identifier: Apache-2.0
"""The reference pages have every command, every option and every public name."""

import importlib.util
import re

import pytest

import margin_core as mc
from docs.blocks import ROOT

if not (ROOT / "docs").is_dir():
    pytest.skip("a source distribution has no docs", allow_module_level=True)


def test_the_command_page_is_what_the_commands_say():
    pytest.importorskip("click")
    spec = importlib.util.spec_from_file_location("cli_page", ROOT / "scripts" / "cli_page.py")
    cli_page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cli_page)
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == cli_page.page(), "run: python scripts/cli_page.py > docs/cli.md"


def test_every_public_name_is_on_the_page_once():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    found = re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", page, re.M)
    assert sorted(found) == sorted(name for name in mc.__all__ if name != "__version__")


def test_every_public_name_has_a_docstring():
    for name in mc.__all__:
        if name != "__version__":
            assert (getattr(mc, name).__doc__ or "").strip(), name
