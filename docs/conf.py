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

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
myst_enable_extensions = []
suppress_warnings = []
nitpicky = True
# Docstrings write types in words, "(n,) float64, USD", which are no names to link to.
nitpick_ignore_regex = [("py:.*", ".*")]

default_role = "code"  # docstrings put names between single backticks
autodoc_typehints = "none"  # signatures stay short; the types are in the sections below them
autodoc_member_order = "bysource"
napoleon_google_docstring = False
# Types are sentences: none of these sections may be cut at its commas in search of names.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style"), ("Raises", "params_style")]

highlight_language = "none"  # of blocks that name none: formulas

html_theme = "furo"
html_title = f"margin_core {release}"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
