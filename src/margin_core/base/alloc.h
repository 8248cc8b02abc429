/* base/alloc.h - cache-aligned memory with counts that cannot overflow. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_ALLOC_H
#define MC_BASE_ALLOC_H

#include <stddef.h>

enum { MC_ALIGNMENT = 64 };

/* `count` zeroed items of `size` bytes on a 64-byte boundary; NULL where memory ends or the
 * product overflows. A count of 0 gives a valid pointer. Freed with mc_free. */
void *mc_alloc(size_t count, size_t size);
void *mc_alloc_unset(size_t count, size_t size); /* the same, for what is written at once */
void mc_free(void *memory);

#endif
