/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include <margin_core/sweep.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/wide.h"

/* Sorts by the rounded quotient, then settles the runs of neighbouring quotients by exact
 * comparison. Three roundings move a quotient by less than 4 units in the last place, so two
 * accounts that it puts in the wrong order are at most 8 apart. */
enum { NEIGHBOURS_ULP = 8 };

typedef struct entry {
    uint64_t key; /* orders as the rounded quotient does */
    int64_t account;
} entry;

/* 0 without a requirement and in debt, 1 with a requirement, 2 without and not in debt. */
static int class_of(int64_t equity, int64_t mm)
{
    return mm > 0 ? 1 : equity < 0 ? 0 : 2;
}

/* The sign of equity_a / mm_a - equity_b / mm_b. */
static int compare(int64_t equity_a, int64_t mm_a, int64_t equity_b, int64_t mm_b)
{
    const int class_a = class_of(equity_a, mm_a), class_b = class_of(equity_b, mm_b);
    if (class_a != class_b || class_a != 1)
        return class_a - class_b;
    if ((equity_a < 0) != (equity_b < 0))
        return equity_a < 0 ? -1 : 1;
    const bool negative = equity_a < 0;
    const uint64_t a = negative ? 0 - (uint64_t)equity_a : (uint64_t)equity_a;
    const uint64_t b = negative ? 0 - (uint64_t)equity_b : (uint64_t)equity_b;
    const int magnitudes = mc_compare_products(a, (uint64_t)mm_b, b, (uint64_t)mm_a);
    return negative ? -magnitudes : magnitudes;
}

static bool precedes(int64_t a, int64_t b, const int64_t *equity, const int64_t *mm)
{
    const int sign = compare(equity[a], mm[a], equity[b], mm[b]);
    return sign < 0 || (sign == 0 && a < b);
}

static uint64_t key_of(int64_t equity, int64_t mm)
{
    const int class = class_of(equity, mm);
    if (class != 1)
        return class == 0 ? 0 : UINT64_MAX;
    const double quotient = (double)equity / (double)mm + 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &quotient, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Stable, 11 bits a pass, skipping passes in which all keys agree. */
static void radix_sort(entry *entries, entry *spare, size_t n)
{
    enum { BITS = 11, BUCKETS = 1 << BITS };
    entry *from = entries, *to = spare;
    for (int shift = 0; shift < 64; shift += BITS) {
        size_t count[BUCKETS] = {0};
        for (size_t i = 0; i < n; ++i)
            ++count[from[i].key >> shift & (BUCKETS - 1)];
        if (count[from[0].key >> shift & (BUCKETS - 1)] == n)
            continue;
        size_t at = 0;
        for (size_t b = 0; b < BUCKETS; ++b) {
            const size_t here = count[b];
            count[b] = at;
            at += here;
        }
        for (size_t i = 0; i < n; ++i)
            to[count[from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
        entry *const swap = from;
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, n * sizeof *entries);
}

/* Merge sort by the exact quotient and then by account. */
static void settle(entry *run, entry *spare, size_t n, const int64_t *equity, const int64_t *mm)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t left = 0; left < n; left += 2 * width) {
            const size_t middle = left + width < n ? left + width : n;
            const size_t right = middle + width < n ? middle + width : n;
            size_t a = left, b = middle;
            for (size_t to = left; to < right; ++to) {
                const bool take_b =
                    a == middle || (b < right && precedes(run[b].account, run[a].account, equity, mm));
                spare[to] = run[take_b ? b++ : a++];
            }
        }
        memcpy(run, spare, n * sizeof *run);
    }
}

mc_status mc_rank(const int64_t *equity, const int64_t *mm, size_t n, int64_t *order, mc_error *err)
{
    const int64_t limit = INT64_C(1) << 62;
    if (n == 0)
        return MC_OK;
    if (equity == NULL || mm == NULL || order == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "equity, mm or order is missing");
    for (size_t i = 0; i < n; ++i)
        if (equity[i] > limit || equity[i] < -limit || mm[i] < 0 || mm[i] > limit)
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)i,
                           "equity or mm of row %zu is out of range", i);

    entry *const entries = mc_alloc(n, sizeof *entries), *const spare = mc_alloc(n, sizeof *spare);
    if (entries == NULL || spare == NULL) {
        mc_free(entries);
        mc_free(spare);
        return mc_fail(err, MC_ERR_MEMORY, -1, "no memory to rank %zu accounts", n);
    }
    for (size_t i = 0; i < n; ++i)
        entries[i] = (entry){key_of(equity[i], mm[i]), (int64_t)i};
    radix_sort(entries, spare, n);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && entries[end].key - entries[end - 1].key <= NEIGHBOURS_ULP;)
            ++end;
        settle(entries + i, spare, end - i, equity, mm);
    }
    for (size_t i = 0; i < n; ++i)
        order[i] = entries[i].account;
    mc_free(entries);
    mc_free(spare);
    return MC_OK;
}
