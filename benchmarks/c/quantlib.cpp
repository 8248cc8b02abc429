// QuantLib's BlackCalculator and implied volatilities on the options of a file, timed one pass at
// a time on request, so that a pass can alternate with one of ours.
//
// Standard input: lines "greeks", "implied", "lirs"; each is answered by the CPU seconds of one
// pass. "write" writes the columns of the last pass into the second file.
//
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <ql/option.hpp>
#include <ql/pricingengines/blackcalculator.hpp>
#include <ql/pricingengines/blackformula.hpp>

using namespace QuantLib;

namespace {

// Columns in the file, n doubles each.
enum Input { FORWARD, STRIKE, YEARS, VOL, DISCOUNT, IS_CALL, PRICE, INPUTS };
enum { RESULTS = 5 };
std::vector<double> in[INPUTS], out[RESULTS];
size_t n;

Option::Type type(size_t i) { return in[IS_CALL][i] != 0.0 ? Option::Call : Option::Put; }

void greeks()
{
    for (size_t i = 0; i < n; ++i) {
        const double f = in[FORWARD][i], t = in[YEARS][i];
        const BlackCalculator option(type(i), in[STRIKE][i], f, in[VOL][i] * std::sqrt(t),
                                     in[DISCOUNT][i]);
        out[0][i] = option.value();
        out[1][i] = option.deltaForward();
        out[2][i] = option.gammaForward();
        out[3][i] = option.vega(t);
        out[4][i] = option.thetaPerDay(f, t);
    }
}

void implied()
{
    for (size_t i = 0; i < n; ++i)
        out[0][i] = blackFormulaImpliedStdDev(type(i), in[STRIKE][i], in[FORWARD][i], in[PRICE][i],
                                              in[DISCOUNT][i], 0.0, Null<Real>(), 1e-10)
                  / std::sqrt(in[YEARS][i]);
}

void lirs()
{
    for (size_t i = 0; i < n; ++i)
        out[0][i] = blackFormulaImpliedStdDevLiRS(type(i), in[STRIKE][i], in[FORWARD][i],
                                                  in[PRICE][i], in[DISCOUNT][i], 0.0, Null<Real>(),
                                                  1.0, 1e-10)
                  / std::sqrt(in[YEARS][i]);
}

double seconds(void (*work)())
{
    timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    work();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return double(b.tv_sec - a.tv_sec) + 1e-9 * double(b.tv_nsec - a.tv_nsec);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    std::ifstream file(argv[1], std::ios::binary | std::ios::ate);
    n = size_t(file.tellg()) / sizeof(double) / INPUTS;
    file.seekg(0);
    for (auto &column : in) {
        column.resize(n);
        file.read(reinterpret_cast<char *>(column.data()), std::streamsize(n * sizeof(double)));
    }
    for (auto &column : out)
        column.resize(n);
    for (std::string line; std::getline(std::cin, line);) {
        double answer = 0.0;
        if (line == "greeks")
            answer = seconds(greeks);
        else if (line == "implied")
            answer = seconds(implied);
        else if (line == "lirs")
            answer = seconds(lirs);
        else if (line == "write") {
            std::ofstream to(argv[2], std::ios::binary);
            for (auto &column : out)
                to.write(reinterpret_cast<char *>(column.data()),
                         std::streamsize(n * sizeof(double)));
        } else
            return 2;
        std::printf("%.9f\n", answer);
        std::fflush(stdout);
    }
    return 0;
}
