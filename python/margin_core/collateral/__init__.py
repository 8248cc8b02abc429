# SPDX-License-Identifier: Apache-2.0
"""What an asset counts for as collateral: value, yield, chain and haircuts.

catalogue -> finality, bridge, redemption -> haircut; deposits and yields keep the integers. Import
from the modules: this package loads nothing by itself.
"""
