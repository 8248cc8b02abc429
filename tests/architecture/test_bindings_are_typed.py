# SPDX-License-Identifier: Apache-2.0
"""Every compiled module has a stub with the same functions and the same parameters."""

import ast
import re

import pytest

from architecture.tree import BINDING

MODULES = sorted(BINDING.glob("*.pyx"))


def of_source(text):
    """{function: its parameters} of what Python can call in a .pyx file, constructors left out."""
    found = {}
    for name, given in re.findall(r"^ *def (\w+)\((.*?)\):", text, re.M | re.S):
        plain = re.sub(r"\[.*?\]|=[^,]*|not None", "", given)
        names = [part.split()[-1] for part in plain.split(",") if part.strip()]
        if not name.startswith("_"):
            found[name] = [name for name in names if name not in ("self", "*")]
    return found


def of_stub(text):
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))
    return {
        node.name: [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg != "self"]
        for node in functions
        if not node.name.startswith("_")
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_stub_says_what_the_module_takes(path):
    stub = path.with_suffix(".pyi")
    assert stub.exists()
    assert of_stub(stub.read_text()) == of_source(path.read_text())
