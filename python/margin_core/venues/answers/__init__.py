# SPDX-License-Identifier: Apache-2.0
"""Known answers of venues, read into cases: one reader a shape of file.

Readers know how a file is laid out and know no rule. What a file does not state is inferred here,
once, and said.
"""
