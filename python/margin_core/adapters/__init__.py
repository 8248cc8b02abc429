# SPDX-License-Identifier: Apache-2.0
"""Outside data into columns; nothing in the core imports from here but on demand."""
