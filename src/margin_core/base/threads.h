/* base/threads.h - run independent blocks of work on a few threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_THREADS_H
#define MC_BASE_THREADS_H

#include <stddef.h>

/* Does block `block`, knowing that no other block runs on `thread` (0 .. n_threads - 1). */
typedef void (*mc_block_fn)(void *context, size_t block, unsigned thread);

/* The number of threads to use for `n_blocks` blocks when the caller asks for `requested`;
 * 0 asks for one per online processor. At least 1, at most n_blocks. */
unsigned mc_thread_count(unsigned requested, size_t n_blocks);

/* Calls `fn` once for every block in 0 .. n_blocks - 1 and returns when all are done. Idle
 * threads take the next block, so a busy neighbour delays one block and not the half. A block's
 * result must not depend on the thread. Threads live for this call only: there is no pool, no
 * global, nothing that spins. Where a thread cannot be had, the others do its share. */
void mc_parallel(size_t n_blocks, unsigned n_threads, mc_block_fn fn, void *context);

#endif
