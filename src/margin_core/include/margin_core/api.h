/* api.h - how a function is exported, and what the compiler checks at its call. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_API_H
#define MARGIN_CORE_API_H

#ifdef __cplusplus
#define MC_BEGIN_DECLS extern "C" {
#define MC_END_DECLS }
#else
#define MC_BEGIN_DECLS
#define MC_END_DECLS
#endif

#if defined(_WIN32) && defined(MC_SHARED)
#ifdef MC_BUILDING
#define MC_API __declspec(dllexport)
#else
#define MC_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define MC_API __attribute__((visibility("default")))
#else
#define MC_API
#endif

#if defined(__GNUC__)
#define MC_MUST_CHECK __attribute__((warn_unused_result))
#define MC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MC_MUST_CHECK
#define MC_PRINTF(text, first)
#endif

#endif
