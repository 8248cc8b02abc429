/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

#include <margin_core/version.h>

const char *mc_version(void)
{
    return MC_VERSION;
}

const char *mc_status_name(mc_status status)
{
    switch (status) { /* no default: the compiler names a forgotten code */
    case MC_OK:             return "MC_OK";
    case MC_ERR_ARGUMENT:   return "MC_ERR_ARGUMENT";
    case MC_ERR_NOT_FINITE: return "MC_ERR_NOT_FINITE";
    case MC_ERR_DOMAIN:     return "MC_ERR_DOMAIN";
    case MC_ERR_INSTRUMENT: return "MC_ERR_INSTRUMENT";
    case MC_ERR_ORDER:      return "MC_ERR_ORDER";
    case MC_ERR_EXACTNESS:  return "MC_ERR_EXACTNESS";
    case MC_ERR_QUANTUM:    return "MC_ERR_QUANTUM";
    case MC_ERR_NO_SOLUTION: return "MC_ERR_NO_SOLUTION";
    case MC_ERR_MEMORY:     return "MC_ERR_MEMORY";
    case MC_STATUS_END:     break;
    }
    return "MC_ERR_UNKNOWN";
}

mc_status mc_fail(mc_error *err, mc_status status, int64_t row, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        err->status = status;
        err->row = row;
        vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
    }
    return status;
}
