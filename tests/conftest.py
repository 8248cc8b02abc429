# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Small synthetic files of our own; make_deribit.py writes them."""
    return ROOT / "tests" / "fixtures"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recorded market data kept beside the repository, never inside it."""
    folder = Path(os.environ.get("MARGIN_CORE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no recorded data in {folder}; set MARGIN_CORE_SHARED")
    return folder
