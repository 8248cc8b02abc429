/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/pricing.h>
#include "check.h"
int main(void) { return REPORT(); }
