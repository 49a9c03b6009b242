"""Imports point one way, and files and functions stay small enough to read."""

import ast
import inspect
import sys
from functools import cache
from pathlib import Path

import pytest

import sklstm

ROOT = Path(sklstm.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MAX_LINES, MAX_FUNCTION_LINES = 300, 35


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def tree_of(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imported(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module


@cache
def imports_of(module):
    """All modules that are imported, wherever in the file."""
    return set(imported(ast.walk(tree_of(module))))


def packages_of(module):
    return {name.split(".")[0] for name in imports_of(module)}


def is_in(module, *parents):
    return any(f"{module}.".startswith(f"sklstm.{parent}.") for parent in parents)


def modules_in(*parents):
    found = [module for module in MODULES if is_in(module, *parents)]
    assert found
    return found


@pytest.mark.parametrize("part", ["nn", "sequences"])
def test_the_inner_parts_import_nothing_of_sklstm_outside_themselves(part):
    for module in modules_in(part):
        inside = [name for name in imports_of(module) if name.split(".")[0] == "sklstm"]
        assert all(is_in(name, part) for name in inside), module


def test_only_the_training_loop_knows_skorch():
    knowing = [module for module in MODULES if "skorch" in packages_of(module)]
    assert knowing
    assert all(is_in(module, "_training") for module in knowing)


def test_the_network_knows_torch_and_the_standard_library_only():
    known = {"torch", "sklstm", *sys.stdlib_module_names}
    for module in modules_in("nn"):
        assert packages_of(module) <= known, module


@pytest.mark.parametrize(
    "part", ["_validation", "_samples", "_statistics", "_split", "sequences"]
)
def test_data_is_prepared_without_torch(part):
    reached, waiting = set(), modules_in(part)
    while waiting:
        module = waiting.pop()
        reached.add(module)
        assert not packages_of(module) & {"torch", "skorch"}, module
        waiting += [name for name in imports_of(module) & set(MODULES) if name not in reached]


OUTER = ("inspection", "datasets", "preprocessing")


@pytest.mark.parametrize("part", OUTER)
def test_what_stands_around_the_estimators_is_imported_by_none_of_them(part):
    outer = set(modules_in(part))
    for module in set(MODULES) - set(modules_in(*OUTER)):
        assert not imports_of(module) & outer, module


def test_the_estimators_are_imported_by_the_package_only():
    importing = {
        module
        for module in MODULES
        if {"sklstm._classifier", "sklstm._regressor"} & imports_of(module)
    }
    assert importing == {"sklstm"}


@pytest.mark.parametrize("module", MODULES)
def test_optional_packages_are_imported_where_they_are_used(module):
    names = {name.split(".")[0] for name in imported(tree_of(module).body)}
    extras = {"captum", "matplotlib", "narwhals", "pandas", "polars", "pyarrow", "rich"}
    assert not names & extras


def test_imports_never_go_in_a_circle():
    done = set()

    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module in done:
            return
        for name in sorted(imports_of(module) & set(MODULES) - {"sklstm"}):
            if name != module:
                visit(name, [*path, module])
        done.add(module)

    for module in MODULES:
        visit(module, [])


def classes_of(module):
    return [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ClassDef)]


def is_abstract(node):
    is_abc = any("ABC" in ast.unparse(part) for part in [*node.bases, *node.keywords])
    return is_abc or node.name.endswith("Mixin")


def test_classes_are_abstract_or_final():
    classes = {node.name: node for module in MODULES for node in classes_of(module)}
    assert {"_BaseLSTM", "LSTMClassifier"} <= set(classes)
    inherited = {
        f"{name}({base})"
        for name, node in classes.items()
        for base in (ast.unparse(base).split(".")[-1] for base in node.bases)
        if base in classes and not is_abstract(classes[base])
    }
    assert not inherited


@pytest.mark.parametrize("module", MODULES)
def test_files_need_no_table_of_contents(module):
    n_lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = [
        len(ast.get_docstring(node).splitlines())
        for node in ast.walk(tree_of(module))
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    ]
    assert n_lines - sum(docstrings) <= MAX_LINES


def lines_of_code(node, source):
    """Lines of a function's body without docstring, comments, blank and inner functions."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    lines = source[body[0].lineno - 1 : node.end_lineno]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


@pytest.mark.parametrize("module", MODULES)
def test_functions_fit_a_screen(module):
    source = MODULES[module].read_text(encoding="utf-8").splitlines()
    functions = [n for n in ast.walk(tree_of(module)) if isinstance(n, ast.FunctionDef)]
    # One that assigns its arguments is as long as they are many.
    functions = [f for f in functions if f.name != "__init__"]
    long = {
        function.name: lines_of_code(function, source)
        for function in functions
        if lines_of_code(function, source) > MAX_FUNCTION_LINES
    }
    assert not long


@pytest.mark.parametrize("estimator_class", [sklstm.LSTMClassifier, sklstm.LSTMRegressor])
def test_constructors_only_assign(estimator_class):
    for cls in (estimator_class, estimator_class.__base__, estimator_class.__mro__[2]):
        if "__init__" not in vars(cls) or not cls.__module__.startswith("sklstm"):
            continue
        source = inspect.cleandoc(f"\n{inspect.getsource(cls.__init__)}")
        for statement in ast.parse(source).body[0].body:
            is_super = ast.unparse(statement).startswith("super().__init__(")
            assert is_super or isinstance(statement, ast.Assign)
