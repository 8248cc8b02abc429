# SPDX-License-Identifier: Apache-2.0
"""Where things are, for the checks in this folder."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "src" / "margin_core"
HEADERS = CORE / "include" / "margin_core"
PACKAGE = ROOT / "python" / "margin_core"
BINDING = PACKAGE / "_binding"

#: The flow goes one way: a stage uses itself and what stands before it.
STAGES = ("base", "kernels", "oracle", "market", "pricing", "risk", "collateral", "margin",
          "sweep", "liquidation", "dynamics", "clearing")  # fmt: skip


def c_files() -> list[Path]:
    return sorted([*CORE.rglob("*.c"), *CORE.rglob("*.h")])


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def exported() -> dict[str, str]:
    """Every function that a public header declares with MC_API, and the header's name."""
    found = {}
    for header in sorted(HEADERS.glob("*.h")):
        text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", without_comments(header.read_text()), flags=re.M)
        for declaration in re.findall(r"\bMC_API\b([^;]*);", text):
            name = re.search(r"\b(mc_\w+)\s*\(", declaration)
            assert name, f"{header.name}: cannot read {declaration!r}"
            found[name[1]] = header.name
    return found
