# SPDX-License-Identifier: Apache-2.0
"""Sphinx: the Markdown pages of this folder, read as they are; nothing is fetched."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "src" / "margin_core" / "include" / "margin_core" / "version.h"

project = "margin_core"
author = "the margin_core authors"
copyright = "the margin_core authors, Apache-2.0"
release = re.search(r'#define MC_VERSION "([^"]+)"', HEADER.read_text(encoding="utf-8"))[1]
version = release

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
myst_enable_extensions = []
suppress_warnings = []
nitpicky = True

highlight_language = "none"  # of blocks that name none: formulas

html_theme = "furo"
html_title = f"margin_core {release}"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
