/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };

typedef struct team {
    mc_block_fn fn;
    void *context;
    size_t n_blocks;
    atomic_size_t next;
} team;

typedef struct member {
    pthread_t handle;
    team *team;
    unsigned thread;
    bool running;
} member;

static void work(team *t, unsigned thread)
{
    for (;;) {
        const size_t block = atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed);
        if (block >= t->n_blocks)
            return;
        t->fn(t->context, block, thread);
    }
}

static void *work_as(void *argument)
{
    member *m = argument;
    work(m->team, m->thread);
    return NULL;
}

unsigned mc_thread_count(unsigned requested, size_t n_blocks)
{
    if (requested == 0) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        requested = online > 0 ? (unsigned)online : 1;
    }
    if (requested > MAX_THREADS)
        requested = MAX_THREADS;
    if (requested > n_blocks)
        requested = n_blocks > 0 ? (unsigned)n_blocks : 1;
    return requested;
}

void mc_parallel(size_t n_blocks, unsigned n_threads, mc_block_fn fn, void *context)
{
    team t = {.fn = fn, .context = context, .n_blocks = n_blocks};
    member members[MAX_THREADS];

    for (unsigned i = 1; i < n_threads; ++i) {
        members[i] = (member){.team = &t, .thread = i};
        members[i].running = pthread_create(&members[i].handle, NULL, work_as, &members[i]) == 0;
    }
    work(&t, 0);
    for (unsigned i = 1; i < n_threads; ++i)
        if (members[i].running)
            pthread_join(members[i].handle, NULL);
}
