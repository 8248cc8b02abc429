/* base/wide.h - 128-bit products and their quotients, without a 128-bit type: compilers differ in
 * having one. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_WIDE_H
#define MC_BASE_WIDE_H

#include <stdint.h>

typedef struct mc_wide {
    uint64_t high, low;
} mc_wide;

static inline mc_wide mc_multiply(uint64_t a, uint64_t b)
{
    const uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32), cross = a0 * b1 + (middle & 0xffffffffu);
    return (mc_wide){a1 * b1 + (middle >> 32) + (cross >> 32), a * b};
}

/* The sign of a b - c d. */
static inline int mc_compare_products(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const mc_wide ab = mc_multiply(a, b), cd = mc_multiply(c, d);
    if (ab.high != cd.high)
        return ab.high < cd.high ? -1 : 1;
    return ab.low < cd.low ? -1 : ab.low > cd.low;
}

/* The next 32 bits of a quotient by a divisor whose top bit is set; `rest` < `divisor`. */
static inline uint64_t mc_divide_digit(uint64_t *rest, uint64_t next, uint64_t divisor)
{
    const uint64_t top = divisor >> 32, bottom = divisor & 0xffffffffu;
    uint64_t digit = *rest / top, left = *rest % top;
    while (digit >> 32 || digit * bottom > (left << 32 | next)) { /* at most twice */
        --digit;
        left += top;
        if (left >> 32)
            break;
    }
    *rest = (*rest << 32 | next) - digit * divisor;
    return digit;
}

/* floor(a / divisor); a.high < divisor, so that the quotient fits. */
static inline uint64_t mc_divide(mc_wide a, uint64_t divisor)
{
    if (a.high == 0)
        return a.low / divisor;
    const int shift = __builtin_clzll(divisor);
    uint64_t rest = shift > 0 ? a.high << shift | a.low >> (64 - shift) : a.high;
    const uint64_t low = a.low << shift;
    const uint64_t first = mc_divide_digit(&rest, low >> 32, divisor << shift);
    return first << 32 | mc_divide_digit(&rest, low & 0xffffffffu, divisor << shift);
}

#endif
