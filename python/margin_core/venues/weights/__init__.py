# SPDX-License-Identifier: Apache-2.0
"""Margin by weights and rates: one engine, every venue a preset over its stages."""
