# SPDX-License-Identifier: Apache-2.0
"""Every property runs against every engine; HYPOTHESIS_PROFILE=nightly runs thousands."""

import os

import pytest
from hypothesis import HealthCheck, settings

from properties.engines import ENGINES

common = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("quick", max_examples=100, derandomize=True, database=None, **common)
settings.register_profile("nightly", max_examples=2000, **common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name, scope="session")
def engine(request):
    return request.param
