# SPDX-License-Identifier: Apache-2.0
"""Nothing on a page is lost between the file and the reader, and every link leads somewhere."""

import re

import pytest

from docs.blocks import ROOT

if not (ROOT / "docs").is_dir():
    pytest.skip("a source distribution has no docs", allow_module_level=True)

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ids = {"ids": lambda page: str(page.relative_to(ROOT))}


def prose(page):
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.mark.parametrize("page", PAGES, **ids)
def test_no_line_of_prose_begins_as_a_comment(page):
    """To Sphinx's Markdown a line that begins with a percent sign is a comment."""
    assert not re.findall(r"^\s*%.*", prose(page), re.M)


@pytest.mark.parametrize("page", PAGES, **ids)
def test_every_link_within_the_repository_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#\s]+)", prose(page)):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, **ids)
def test_every_file_that_is_named_exists(page):
    named = re.findall(r"`((?:tests|src|docs|examples|scripts|benchmarks)/[\w./-]+)`", prose(page))
    for path in named:
        assert (ROOT / path).exists(), path
    for name in re.findall(r"\btest_\w+\.(?:py|c)\b", prose(page)):
        assert any((ROOT / "tests").rglob(name)), name
