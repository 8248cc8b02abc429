# SPDX-License-Identifier: Apache-2.0
"""The code blocks of a Markdown page, and what each is said to print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")),
         ROOT / "docs" / "method" / "collateral.md",
         *sorted((ROOT / "docs" / "venues").glob("*.md"))]  # fmt: skip

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block; `printed` is the ```text block that follows at once, if one does."""

    page: Path
    line: int
    language: str
    code: str
    printed: str | None

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, language: str) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    out = []
    for at, match in enumerate(found):
        if match[1] != language:
            continue
        after = found[at + 1] if at + 1 < len(found) else None
        follows = after is not None and not text[match.end() : after.start()].strip()
        printed = after[2] if follows and after[1] == "text" else None
        line = text.count("\n", 0, match.start()) + 1
        out.append(Block(page, line, language, match[2], printed))
    return out


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if page.exists() and blocks(page, language)]


def name_of(page: Path) -> str:
    return page.stem
