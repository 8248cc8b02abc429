# SPDX-License-Identifier: Apache-2.0
from properties.fixtures import engine

__all__ = ["engine"]
