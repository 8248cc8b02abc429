/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <margin_core/isa.h>

#include "base/status.h"
#include "kernels/kernels.h"

extern const mc_kernels mc_kernels_generic;
#ifdef MC_X86
extern const mc_kernels mc_kernels_avx2;
extern const mc_kernels mc_kernels_avx512;
#endif

enum { MAX_COPIES = 3 };

#ifdef MC_X86
/* Who has BMI has LZCNT; older compilers do not know its name here. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("bmi");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

/* Worst first. Cheap enough to ask anew: no state beyond the pointer below. */
static size_t usable(const mc_kernels *copies[MAX_COPIES])
{
    size_t n = 0;
    copies[n++] = &mc_kernels_generic;
#ifdef MC_X86
    if (has_avx2())
        copies[n++] = &mc_kernels_avx2;
    if (has_avx512())
        copies[n++] = &mc_kernels_avx512;
#endif
    return n;
}

/* The one global of the library. Threads that race at first use store the same value. */
static _Atomic(const mc_kernels *) used;

const mc_kernels *mc_kernels_used(void)
{
    const mc_kernels *copy = atomic_load_explicit(&used, memory_order_acquire);
    if (copy == NULL) {
        const mc_kernels *copies[MAX_COPIES];
        copy = copies[usable(copies) - 1];
        atomic_store_explicit(&used, copy, memory_order_release);
    }
    return copy;
}

const mc_kernels *mc_kernels_at(size_t i)
{
    const mc_kernels *copies[MAX_COPIES];
    return i < usable(copies) ? copies[i] : NULL;
}

const char *mc_isa(void)
{
    return mc_kernels_used()->isa;
}

const char *mc_isa_at(size_t i)
{
    const mc_kernels *copy = mc_kernels_at(i);
    return copy != NULL ? copy->isa : NULL;
}

mc_status mc_isa_select(const char *name, mc_error *err)
{
    const mc_kernels *copy;
    if (name == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "no name of an instruction set");
    for (size_t i = 0; (copy = mc_kernels_at(i)) != NULL; ++i)
        if (strcmp(copy->isa, name) == 0) {
            atomic_store_explicit(&used, copy, memory_order_release);
            return MC_OK;
        }
    return mc_fail(err, MC_ERR_ARGUMENT, -1, "this build or processor has no '%.32s' kernels", name);
}
