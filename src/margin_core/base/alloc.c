/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

/* Tables are read at random, and there are more small pages in one than a core remembers. */
enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 1 << 20 };

void *mc_alloc_unset(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - HUGE_PAGE) / size)
        return NULL;

    const size_t least = count * size;
    const size_t alignment = least >= HUGE_FROM ? HUGE_PAGE : MC_ALIGNMENT;
    const size_t bytes = (least / alignment + 1) * alignment;
    void *memory = aligned_alloc(alignment, bytes);
    if (memory == NULL)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE_PAGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: small pages serve as well */
#endif
    return memory;
}

void *mc_alloc(size_t count, size_t size)
{
    void *const memory = mc_alloc_unset(count, size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void mc_free(void *memory)
{
    free(memory);
}
