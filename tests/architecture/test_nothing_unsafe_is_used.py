# SPDX-License-Identifier: Apache-2.0
"""Data is never run: no pickle, eval, exec, joblib, shell or unsafe YAML in the package."""

import ast
import re

from architecture.tree import BINDING, PACKAGE, python_files

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "subprocess",
           "ctypes", "yaml"}  # fmt: skip
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}


def test_no_module_imports_them():
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in MODULES, f"{path.relative_to(PACKAGE)}: {name}"


def test_no_function_calls_them():
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                assert ast.unparse(node.func) not in CALLS, where
                for keyword in node.keywords:
                    unpickles = keyword.arg == "allow_pickle"
                    allowed = isinstance(keyword.value, ast.Constant) and not keyword.value.value
                    assert not unpickles or allowed, where


def test_no_binding_does_either():
    for path in sorted(BINDING.glob("*.pyx")):
        assert not re.search(r"\b(pickle|eval|exec|joblib)\b", path.read_text()), path.name
