/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mc_alloc(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - MC_ALIGNMENT) / size)
        return NULL;

    const size_t bytes = (count * size / MC_ALIGNMENT + 1) * MC_ALIGNMENT;
    void *memory = aligned_alloc(MC_ALIGNMENT, bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

void mc_free(void *memory)
{
    free(memory);
}
