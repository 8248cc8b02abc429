# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, freethreading_compatible=True
"""The core's status codes as exceptions, and the kernels' copies by name."""

from margin_core._binding.c_api cimport (
    MC_OK, MC_STATUS_END, mc_error, mc_isa, mc_isa_at, mc_isa_select, mc_status, mc_status_name,
    mc_version,
)

from margin_core.errors import EXCEPTION_OF_STATUS, MarginCoreError


cdef int raise_error(const mc_error *err) except -1:
    name = mc_status_name(err.status).decode()
    row = None if err.row < 0 else err.row
    raise EXCEPTION_OF_STATUS.get(name, MarginCoreError)(
        err.message[:].decode("utf-8", "replace"), row=row)


def status_names():
    """The name of every status of the C core, MC_OK first."""
    return [mc_status_name(<mc_status>code).decode() for code in range(MC_STATUS_END)]


def version():
    return mc_version().decode()


def isa():
    """The instruction set whose kernels run."""
    return mc_isa().decode()


def isas():
    """Every instruction set whose kernels this processor can run, slowest first."""
    names = []
    cdef size_t i = 0
    while mc_isa_at(i) != NULL:
        names.append(mc_isa_at(i).decode())
        i += 1
    return names


def select_isa(name):
    cdef mc_error err
    cdef bytes encoded = name.encode()
    if mc_isa_select(encoded, &err) != MC_OK:
        raise_error(&err)
