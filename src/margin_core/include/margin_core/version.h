/* version.h - the version, written here and nowhere else. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_VERSION_H
#define MARGIN_CORE_VERSION_H

#define MC_VERSION "0.1.0"

#endif
