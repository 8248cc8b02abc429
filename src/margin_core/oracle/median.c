/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/oracle.h"

/* What is cut weighs this much of the rest: less than all of it, so that less than half in all. */
#define MOST_OF_REST 0.9375

void mc_limit_weights(double *weight, size_t n, size_t tolerated)
{
    double sorted[MC_MAX_SOURCES]; /* falling */
    double rest = 0.0;             /* of the weights after the k-th */

    if (tolerated == 0 || n <= 2 * tolerated)
        return;
    for (size_t i = 0; i < n; ++i) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] < weight[i]; --at)
            sorted[at] = sorted[at - 1];
        sorted[at] = weight[i];
    }
    /* With the k largest cut to c: tolerated c = most ((k - tolerated) c + rest). The least k
     * whose c is not below the next weight cuts no more than needed; the last always does. */
    double most = sorted[0];
    for (size_t k = n; k-- > tolerated;) {
        const double slope = (double)tolerated - MOST_OF_REST * (double)(k - tolerated);
        rest += sorted[k];
        if (slope <= 0.0)
            continue;
        const double c = MOST_OF_REST * rest / slope;
        if (c >= sorted[k])
            most = c;
    }
    for (size_t i = 0; i < n; ++i)
        if (weight[i] > most)
            weight[i] = most;
}

double mc_weighted_median(const double *value, const double *weight, size_t n)
{
    size_t order[MC_MAX_SOURCES];
    double total = 0.0, below = 0.0;

    for (size_t i = 0; i < n; ++i) {
        size_t at = i;
        for (; at > 0 && value[order[at - 1]] > value[i]; --at)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t k = 0; k < n; ++k)
        total += weight[order[k]];
    for (size_t k = 0; k + 1 < n; ++k) {
        below += weight[order[k]];
        if (below > 0.5 * total)
            return value[order[k]];
        if (below == 0.5 * total)
            return 0.5 * (value[order[k]] + value[order[k + 1]]);
    }
    return value[order[n - 1]];
}
