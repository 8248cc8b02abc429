// Who is nearest liquidation? Handles become unique_ptr, columns are vectors: the C interface is
// all that C++ needs.
// SPDX-License-Identifier: Apache-2.0
#include <margin_core/margin_core.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

struct destroy {
    void operator()(mc_risk_array *risk) const { mc_risk_array_destroy(risk); }
    void operator()(mc_book *book) const { mc_book_destroy(book); }
};

static void check(mc_status status, const mc_error &err)
{
    if (status != MC_OK)
        throw std::runtime_error(err.message);
}

int main()
{
    mc_error err;
    // A published array: two instruments in three scenarios, whole quanta for one lot.
    const std::vector<double> cells = {0, -15000, 15000, 0, -9000, 12000};
    mc_risk_array *risk = nullptr;
    check(mc_risk_array_adopt(cells.data(), 2, 3, 1.0, &risk, &err), err);
    const std::unique_ptr<mc_risk_array, destroy> keep_risk(risk);

    const std::vector<int64_t> offset = {0, 2, 3, 4}, equity = {40000, 20000, 100000};
    const std::vector<int32_t> instrument = {0, 1, 0, 1};
    const std::vector<double> lots = {3, -2, 1, -5};
    mc_book_columns columns = {};
    columns.n_accounts = equity.size();
    columns.n_instruments = 2;
    columns.offset = offset.data();
    columns.instrument = instrument.data();
    columns.lots = lots.data();
    mc_book *book = nullptr;
    check(mc_book_create(&columns, &book, &err), err);
    const std::unique_ptr<mc_book, destroy> keep_book(book);

    std::vector<double> worst(equity.size());
    const mc_range all = {0, equity.size(), 1};
    check(mc_scan(risk, book, &all, worst.data(), nullptr, &err), err);

    std::vector<int64_t> requirement, order(equity.size());
    for (const double pnl : worst)
        requirement.push_back(static_cast<int64_t>(-pnl));
    check(mc_rank(equity.data(), requirement.data(), equity.size(), order.data(), &err), err);
    for (const int64_t a : order)
        std::printf("account %lld: equity %lld, worst loss %lld\n", static_cast<long long>(a),
                    static_cast<long long>(equity[a]), static_cast<long long>(requirement[a]));
}
