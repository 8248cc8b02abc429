/* accuracy.h - drawn arguments, and how far a result is from the 64-bit long double of libm. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_TESTS_ACCURACY_H
#define MC_TESTS_ACCURACY_H

#include <math.h>
#include <stdint.h>

static uint64_t accuracy_state = 1;

static inline double uniform(double low, double high)
{
    accuracy_state = accuracy_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * ((double)(accuracy_state >> 11) * 0x1p-53);
}

/* In units of the last place of `want`, a normal double. */
static inline double ulps(double got, long double want)
{
    int exponent;
    frexp((double)want, &exponent);
    return (double)(fabsl((long double)got - want) / ldexpl(1.0L, exponent - 53));
}

#endif
