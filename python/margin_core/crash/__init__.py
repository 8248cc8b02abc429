# SPDX-License-Identifier: Apache-2.0
"""Crashes replayed against a synthetic venue whose liquidations move its own price."""
