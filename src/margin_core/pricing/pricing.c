/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <margin_core/pricing.h>

#include "base/status.h"
#include "base/threads.h"
#include "kernels/kernels.h"

enum {
    ROWS_A_TASK = 4096,
    ROWS_WORTH_A_THREAD = 20000, /* about 0.1 ms of work: starting a thread costs a third of it */
    MAX_COLUMNS = 6
};

typedef struct checked_column {
    const char *name;
    mc_column column;
    double low, high;
    const char *rule;
} checked_column;

typedef struct job {
    const mc_option_rows *rows;
    checked_column columns[MAX_COLUMNS];
    int n_columns;
    const mc_kernels *kernels;
    atomic_size_t first_bad; /* task */

    const mc_greeks *greeks; /* of price_rows */
    void (*price_rows)(const mc_option_rows *, const mc_greeks *, size_t, size_t);

    mc_column price; /* of the implied volatility; vol is NULL where prices are asked for */
    double *vol;
} job;

static size_t n_tasks(const job *j)
{
    return j->rows->n / ROWS_A_TASK + (j->rows->n % ROWS_A_TASK != 0);
}

static size_t rows_in(const job *j, size_t task)
{
    const size_t left = j->rows->n - task * ROWS_A_TASK;
    return left < ROWS_A_TASK ? left : ROWS_A_TASK;
}

static bool column_is_good(const job *j, const checked_column *c, size_t first, size_t n)
{
    const size_t stride = c->column.stride;
    return j->kernels->within(c->column.data + first * stride, stride == 0 ? 1 : n, c->low,
                              c->high);
}

static bool sides_are_good(const mc_option_rows *rows, size_t first, size_t n)
{
    const uint8_t *is_call = rows->is_call + first * rows->is_call_stride;
    unsigned any = 0;
    for (size_t i = 0; i < (rows->is_call_stride == 0 ? 1 : n); ++i)
        any |= is_call[i];
    return any <= 1;
}

static bool rows_are_good(const job *j, size_t first, size_t n)
{
    for (int i = 0; i < j->n_columns; ++i)
        if (!column_is_good(j, &j->columns[i], first, n))
            return false;
    if (!sides_are_good(j->rows, first, n))
        return false;
    return j->vol == NULL || j->kernels->has_vol(j->rows, j->price, first, n);
}

static void check_task(void *context, size_t task, unsigned thread)
{
    job *j = context;
    (void)thread;
    if (rows_are_good(j, task * ROWS_A_TASK, rows_in(j, task)))
        return;
    size_t seen = atomic_load(&j->first_bad);
    while (task < seen && !atomic_compare_exchange_weak(&j->first_bad, &seen, task))
        ;
}

static void do_task(void *context, size_t task, unsigned thread)
{
    const job *j = context;
    const size_t first = task * ROWS_A_TASK;
    (void)thread;
    if (j->vol != NULL)
        j->kernels->implied_vol(j->rows, j->price, j->vol, first, rows_in(j, task));
    else
        j->price_rows(j->rows, j->greeks, first, rows_in(j, task));
}

static double at(mc_column column, size_t row)
{
    return column.data[row * column.stride];
}

static mc_status no_solution(const job *j, size_t row, mc_error *err)
{
    const bool call = j->rows->is_call[row * j->rows->is_call_stride] != 0;
    const double forward = at(j->rows->forward, row), strike = at(j->rows->strike, row);
    const double discount = at(j->rows->discount, row);
    const double payoff = call ? forward - strike : strike - forward;
    return mc_fail(err, MC_ERR_NO_SOLUTION, (int64_t)row,
                   "no volatility gives the price %.17g (row %zu): it is not between %.17g and "
                   "%.17g%s", at(j->price, row), row, discount * (payoff > 0.0 ? payoff : 0.0),
                   discount * (call ? forward : strike),
                   at(j->rows->years, row) > 0.0 ? "" : ", or has time value at expiry");
}

/* What is wrong with a row that did not pass. */
static mc_status explain(const job *j, size_t row, mc_error *err)
{
    for (int i = 0; i < j->n_columns; ++i) {
        const checked_column *c = &j->columns[i];
        const double x = at(c->column, row);
        if (!(x >= -DBL_MAX && x <= DBL_MAX))
            return mc_fail(err, MC_ERR_NOT_FINITE, (int64_t)row,
                           "%s is not a finite number: %g (row %zu)", c->name, x, row);
        if (!(x >= c->low && x <= c->high))
            return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row, "%s must be %s: %.17g (row %zu)",
                           c->name, c->rule, x, row);
    }
    const unsigned side = j->rows->is_call[row * j->rows->is_call_stride];
    if (side > 1)
        return mc_fail(err, MC_ERR_DOMAIN, (int64_t)row, "is_call must be 0 or 1: %u (row %zu)",
                       side, row);
    return no_solution(j, row, err);
}

static mc_status explain_first_bad(const job *j, mc_error *err)
{
    size_t row = atomic_load(&j->first_bad) * ROWS_A_TASK;
    while (rows_are_good(j, row, 1))
        ++row;
    return explain(j, row, err);
}

static mc_status run(job *j, unsigned n_threads, mc_error *err)
{
    const size_t tasks = n_tasks(j);
    const unsigned threads = j->rows->n < ROWS_WORTH_A_THREAD ? 1
                                                              : mc_thread_count(n_threads, tasks);
    atomic_init(&j->first_bad, SIZE_MAX);
    mc_parallel(tasks, threads, check_task, j);
    if (atomic_load(&j->first_bad) != SIZE_MAX)
        return explain_first_bad(j, err);

    mc_parallel(tasks, threads, do_task, j);
    return MC_OK;
}

static void add(job *j, const char *name, mc_column column, double low, const char *rule)
{
    j->columns[j->n_columns++] = (checked_column){name, column, low, DBL_MAX, rule};
}

static void add_columns(job *j, const mc_option_rows *rows, double lowest_price)
{
    j->rows = rows;
    add(j, "forward", rows->forward, lowest_price, "zero or positive");
    add(j, "strike", rows->strike, lowest_price, "zero or positive");
    add(j, "years", rows->years, 0.0, "zero or positive");
    add(j, "discount", rows->discount, DBL_TRUE_MIN, "positive");
}

/* Pointers and strides, which no row is to blame for. */
static mc_status check_shape(const job *j, mc_error *err)
{
    const mc_option_rows *rows = j->rows;
    for (int i = 0; i < j->n_columns; ++i) {
        const mc_column column = j->columns[i].column;
        if (column.stride > 1)
            return mc_fail(err, MC_ERR_ARGUMENT, -1, "the stride of %s is %zu, not 0 or 1",
                           j->columns[i].name, column.stride);
        if (column.data == NULL && rows->n > 0)
            return mc_fail(err, MC_ERR_ARGUMENT, -1, "%s is a null pointer", j->columns[i].name);
    }
    if (rows->is_call_stride > 1)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "the stride of is_call is %zu, not 0 or 1",
                       rows->is_call_stride);
    if (rows->is_call == NULL && rows->n > 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "is_call is a null pointer");
    return MC_OK;
}

static mc_status price_options(const mc_option_rows *rows, const mc_greeks *greeks, bool normal,
                               unsigned n_threads, mc_error *err)
{
    if (rows == NULL || greeks == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "%s is a null pointer",
                       rows == NULL ? "rows" : "greeks");
    const mc_kernels *kernels = mc_kernels_used();
    job j = {.kernels = kernels, .greeks = greeks,
             .price_rows = normal ? kernels->bachelier : kernels->black76};
    add_columns(&j, rows, normal ? -DBL_MAX : 0.0);
    add(&j, "vol", rows->vol, 0.0, "zero or positive");
    const mc_status status = check_shape(&j, err);
    return status != MC_OK ? status : run(&j, n_threads, err);
}

mc_status mc_black76(const mc_option_rows *rows, const mc_greeks *greeks, unsigned n_threads,
                     mc_error *err)
{
    return price_options(rows, greeks, false, n_threads, err);
}

mc_status mc_bachelier(const mc_option_rows *rows, const mc_greeks *greeks, unsigned n_threads,
                       mc_error *err)
{
    return price_options(rows, greeks, true, n_threads, err);
}

mc_status mc_implied_vol(const mc_option_rows *rows, mc_column price, double *vol,
                         unsigned n_threads, mc_error *err)
{
    if (rows == NULL)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "rows is a null pointer");
    if (vol == NULL && rows->n > 0)
        return mc_fail(err, MC_ERR_ARGUMENT, -1, "vol is a null pointer");
    job j = {.kernels = mc_kernels_used(), .price = price, .vol = vol};
    add_columns(&j, rows, 0.0);
    add(&j, "price", price, -DBL_MAX, "finite");
    const mc_status status = check_shape(&j, err);
    if (status != MC_OK || rows->n == 0)
        return status;
    return run(&j, n_threads, err);
}
