# SPDX-License-Identifier: Apache-2.0
"""Every function that the C headers export is declared in c_api.pxd and used by a binding."""

import re

from architecture.tree import BINDING, exported


def test_every_function_is_declared_once():
    declared = re.findall(r"\b(mc_\w+)\(", (BINDING / "c_api.pxd").read_text())
    assert sorted(declared) == sorted(exported())


def test_declarations_stand_under_their_own_header():
    blocks = re.split(
        r'cdef extern from "margin_core/(\w+\.h)"', (BINDING / "c_api.pxd").read_text()
    )
    found = {
        name: header
        for header, block in zip(blocks[1::2], blocks[2::2], strict=True)
        for name in re.findall(r"\b(mc_\w+)\(", block)
    }
    assert found == exported()


def test_every_function_is_called_by_a_binding():
    text = "".join(path.read_text() for path in sorted(BINDING.glob("*.pyx")))
    for name in exported():
        assert re.search(rf"\b{name}\(", text), f"{name} is bound but never called"
