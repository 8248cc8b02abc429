# SPDX-License-Identifier: Apache-2.0
"""Margin by scenarios: one engine, every venue a preset over its stages."""
