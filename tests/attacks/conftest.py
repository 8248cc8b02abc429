# SPDX-License-Identifier: Apache-2.0
"""Every attack is drawn 20,000 times; `make nightly` draws a million."""

import os
import zlib

import numpy as np

VARIANTS = 20_000
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
BATCHES = 50 if NIGHTLY else 1


def drawn(few):
    """How many variants where each is an object or a market: all of them at night."""
    return VARIANTS if NIGHTLY else few


def pytest_generate_tests(metafunc):
    if "chance" in metafunc.fixturenames:
        name = zlib.crc32(metafunc.function.__name__.encode())
        seeds = [np.random.default_rng([name, batch]) for batch in range(BATCHES)]
        metafunc.parametrize("chance", seeds, ids=[f"batch{i}" for i in range(BATCHES)])
