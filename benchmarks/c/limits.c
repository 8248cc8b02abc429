/* What this machine can do at most, on one thread: multiply-adds, divisions, conversions, and bytes read from
 * each level of memory. The benchmarks say how far from that the kernels are.
 *
 * Best of several passes, so these are limits, not means. Compile with -O3 -march=native.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { WIDTH = 64 };
#elif defined(__AVX__)
enum { WIDTH = 32 };
#else
enum { WIDTH = 16 };
#endif
typedef double lanes __attribute__((vector_size(WIDTH), aligned(WIDTH)));
enum { LANES = WIDTH / sizeof(double), PASSES = 9 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static lanes fill(double x)
{
    lanes v;
    for (int i = 0; i < LANES; ++i)
        v[i] = x;
    return v;
}

static volatile double sink;

#if defined(__x86_64__)
#define OPAQUE(v) __asm__ volatile("" : "+v"(v))
#elif defined(__aarch64__)
#define OPAQUE(v) __asm__ volatile("" : "+w"(v))
#else
#define OPAQUE(v) __asm__ volatile("" : "+m"(v))
#endif

/* Twelve chains hide a latency of up to six cycles on two ports. */
#define TWELVE(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)

static double fma_instructions(void)
{
    enum { ROUNDS = 4000000 };
    const double start = now();
#define DECLARE(k) lanes a##k = fill(1.0 + k);
    TWELVE(DECLARE)
    lanes m = fill(0.999), c = fill(0.001);
    OPAQUE(m);
    OPAQUE(c);
    for (long i = 0; i < ROUNDS; ++i) {
#define STEP(k) a##k = a##k * m + c; OPAQUE(a##k);
        TWELVE(STEP)
    }
#define FINISH(k) sink = a##k[0];
    TWELVE(FINISH)
    return 12.0 * ROUNDS / (now() - start);
}

static double divisions(void)
{
    enum { ROUNDS = 1000000 };
    const double start = now();
    lanes a0 = fill(1.1), a1 = fill(1.2), a2 = fill(1.3), a3 = fill(1.4), m = fill(1.0000001);
    OPAQUE(m);
    for (long i = 0; i < ROUNDS; ++i) {
        a0 /= m; OPAQUE(a0);
        a1 /= m; OPAQUE(a1);
        a2 /= m; OPAQUE(a2);
        a3 /= m; OPAQUE(a3);
    }
    sink = a0[0] + a1[0] + a2[0] + a3[0];
    return 4.0 * LANES * ROUNDS / (now() - start);
}

static lanes converted(const int32_t *p)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_cvtepi32_pd(_mm256_load_si256((const __m256i *)p));
#elif defined(__AVX__)
    return (lanes)_mm256_cvtepi32_pd(_mm_load_si128((const __m128i *)p));
#else
    lanes v;
    for (int i = 0; i < LANES; ++i)
        v[i] = p[i];
    return v;
#endif
}

/* 32-bit integers a second that become doubles and are added up, from a buffer that stays in L1. */
static double conversions(void)
{
    enum { N = 64, ROUNDS = 1000000 };
    static int32_t table[N * LANES] __attribute__((aligned(64)));
    const int32_t *p = table;
    const double start = now();
    lanes s0 = fill(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (long r = 0; r < ROUNDS; ++r) {
#define ADD(k) s##k += converted(p + (i + k) * LANES);
        for (int i = 0; i < N; i += 8) {
            ADD(0) ADD(1) ADD(2) ADD(3) ADD(4) ADD(5) ADD(6) ADD(7)
        }
        __asm__ volatile("" : "+r"(p) : : "memory"); /* for all it knows, other numbers now */
    }
    const lanes s = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
    sink = s[0];
    return (double)N * LANES * ROUNDS / (now() - start);
}

/* Bytes a second read from a buffer of this size, again and again. */
static double read_rate(const double *buffer, size_t bytes)
{
    const lanes *p = (const lanes *)buffer;
    const size_t n = bytes / sizeof *p / 8 * 8;
    const size_t times = 1 + (size_t)(2e8 / (double)bytes);
    const double start = now();
    lanes s0 = fill(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (size_t t = 0; t < times; ++t) {
        for (size_t i = 0; i < n; i += 8) {
            s0 += p[i];     s1 += p[i + 1]; s2 += p[i + 2]; s3 += p[i + 3];
            s4 += p[i + 4]; s5 += p[i + 5]; s6 += p[i + 6]; s7 += p[i + 7];
        }
        OPAQUE(s0);
    }
    const lanes s = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
    sink = s[0];
    return (double)(n * sizeof *p * times) / (now() - start);
}

static size_t cache_bytes(int name, size_t otherwise)
{
    const long size = sysconf(name);
    return size > 0 ? (size_t)size : otherwise;
}

int main(void)
{
#ifdef _SC_LEVEL1_DCACHE_SIZE
    const size_t l1 = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32768);
    const size_t l2 = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 524288);
    const size_t l3 = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 16777216);
#else
    const size_t l1 = 32768, l2 = 524288, l3 = 16777216;
#endif
    const size_t least = (size_t)512 << 20, most = (size_t)1 << 30;
    const size_t largest = 2 * l3 < least ? least : 2 * l3 > most ? most : 2 * l3;
    const struct { const char *name; size_t bytes; } levels[] = {
        {"l1_read", l1 / 2}, {"l2_read", l2 / 2}, {"l3_read", 4 * l2 < l3 / 2 ? 4 * l2 : l3 / 2},
        {"dram_read", largest},
    };
    double *buffer = aligned_alloc(4096, largest);
    if (buffer == NULL)
        return 1;
    for (size_t i = 0; i < largest / sizeof *buffer; ++i)
        buffer[i] = 1.0;

    double fma = 0.0, division = 0.0, conversion = 0.0;
    for (int i = 0; i < PASSES; ++i) {
        const double f = fma_instructions(), d = divisions(), c = conversions();
        conversion = c > conversion ? c : conversion;
        fma = f > fma ? f : fma;
        division = d > division ? d : division;
    }
    printf("vector_bytes %d\n", WIDTH);
    printf("fma_per_s %.4g\n", fma);
    printf("conversions_per_s %.4g\n", conversion);
    printf("fma_gflops %.1f\n", 2e-9 * LANES * fma);
    printf("divisions_per_s %.4g\n", division);
    for (size_t k = 0; k < sizeof levels / sizeof levels[0]; ++k) {
        double best = 0.0;
        for (int i = 0; i < PASSES; ++i) {
            const double rate = read_rate(buffer, levels[k].bytes);
            best = rate > best ? rate : best;
        }
        printf("%s_bytes %zu\n%s_gb_per_s %.1f\n", levels[k].name, levels[k].bytes, levels[k].name,
               1e-9 * best);
    }
    free(buffer);
    return 0;
}
