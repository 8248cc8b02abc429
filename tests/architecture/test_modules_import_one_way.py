# SPDX-License-Identifier: Apache-2.0
"""The facade's modules form no circle; reference and adapters keep to their side."""

import ast

from architecture.tree import PACKAGE, python_files


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in python_files()}


def imports_at_load(path):
    """Modules of the package that `path` imports when it is loaded itself."""
    found = set()

    def walk(node):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        found.update(targets(node))
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(ast.parse(path.read_text()))
    return found - {module_name(path)}


def all_imports(path):
    return set().union(*map(targets, ast.walk(ast.parse(path.read_text()))))


def targets(node):
    if isinstance(node, ast.Import):
        names = {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        names = {name if name in NAMES else node.module for name in names}
    else:
        return set()
    return {name for name in names if name.split(".")[0] == "margin_core"}


def test_no_module_is_imported_by_what_it_imports():
    graph = {name: imports_at_load(path) for name, path in NAMES.items()}
    done, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for target in sorted(graph.get(name, ())):
            if target != "margin_core":  # the package itself loads before its modules
                visit(target)
        done.add(path.pop())

    for name in graph:
        visit(name)


def test_no_module_imports_the_package_itself():
    for name, path in NAMES.items():
        if not name.endswith((".cli", ".__main__")):
            assert "margin_core" not in imports_at_load(path), name


def test_the_reference_uses_nothing_of_what_it_checks():
    for name, path in NAMES.items():
        if name.startswith("margin_core.reference"):
            for target in all_imports(path):
                assert target.startswith(("margin_core.reference", "margin_core.errors")), (
                    f"{name} imports {target}"
                )


def test_nothing_uses_the_reference():
    for name, path in NAMES.items():
        if not name.startswith("margin_core.reference"):
            assert not any(t.startswith("margin_core.reference") for t in all_imports(path)), name


def test_adapters_are_loaded_only_when_asked_for():
    for name, path in NAMES.items():
        if not name.startswith(("margin_core.adapters", "margin_core.cli")):
            assert not any(t.startswith("margin_core.adapters") for t in imports_at_load(path)), (
                name
            )
