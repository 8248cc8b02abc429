/* check.h - the whole test harness: CHECK counts and goes on, RUN names the claim. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_TESTS_CHECK_H
#define MC_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

static int checks_failed;

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            ++checks_failed;                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);         \
        }                                                                           \
    } while (0)

#define RUN(test)                                                                   \
    do {                                                                            \
        const int before = checks_failed;                                           \
        test();                                                                     \
        printf("%s %s\n", checks_failed == before ? "ok  " : "FAIL", #test);        \
    } while (0)

#define REPORT() (checks_failed == 0 ? 0 : 1)

#endif
