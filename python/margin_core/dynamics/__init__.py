# SPDX-License-Identifier: Apache-2.0
"""Volatility, and the ranges that follow it; stands beside the flow and calls it."""
