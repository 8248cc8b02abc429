/* isa.h - the compiled copies of the kernels, one per instruction set, and which one runs.
 *
 * The best copy that this processor can run is chosen at first use. All copies return the same
 * bits; the choice only changes the speed.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_ISA_H
#define MARGIN_CORE_ISA_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* The name of the copy in use: "generic", "avx2", "avx512". */
MC_API const char *mc_isa(void);

/* The i-th copy that this processor can run, worst first; NULL past the last. */
MC_API const char *mc_isa_at(size_t i);

/* Uses that copy from now on, in the whole process. For tests and benchmarks: a call that is
 * running on another thread keeps the copy it began with.
 *
 * Errors: MC_ERR_ARGUMENT  no such copy, or this processor cannot run it
 */
MC_API MC_MUST_CHECK mc_status mc_isa_select(const char *name, mc_error *err);

MC_END_DECLS

#endif
