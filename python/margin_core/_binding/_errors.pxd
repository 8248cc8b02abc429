# SPDX-License-Identifier: Apache-2.0
from margin_core._binding.c_api cimport mc_error

cdef int raise_error(const mc_error *err) except -1
