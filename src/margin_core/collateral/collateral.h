/* collateral/collateral.h - which assets are sold into one depth. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_COLLATERAL_COLLATERAL_H
#define MC_COLLATERAL_COLLATERAL_H

#include <margin_core/collateral.h>

/* The first asset that sells into the depth of asset k: itself where none before it does. */
size_t mc_exit_market_of(const mc_asset *assets, size_t k);

#endif
