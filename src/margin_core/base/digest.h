/* base/digest.h - FNV-1a by 64-bit words: tells one content from another. Against accidents, not
 * against an adversary. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_DIGEST_H
#define MC_BASE_DIGEST_H

#include <stdint.h>

#define MC_DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)

static inline uint64_t mc_digest_word(uint64_t digest, uint64_t word)
{
    digest = (digest ^ word) * UINT64_C(0x100000001b3);
    return digest ^ digest >> 29;
}

#endif
