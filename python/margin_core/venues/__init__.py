# SPDX-License-Identifier: Apache-2.0
"""Margin as venues compute it: two engines, presets as data, known answers to check them with.

preset -> scan | weights -> standing; answers -> conform. No venue is named but in the presets and
in the readers of known answers. Import from the modules: this package loads nothing by itself.
"""
