"""What is written is true: examples run, docstrings are complete, names exist."""

import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
import sklearn
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.rst"))
EXAMPLES = sorted(
    [
        *(ROOT / "examples").glob("plot_*.py"),
        *(ROOT / "examples").glob("classify_*.py"),
    ]
)

MODULES = ["sklstm"] + sorted(
    module.name for module in pkgutil.walk_packages(sklstm.__path__, "sklstm.")
)
PUBLIC_MODULES = [
    name
    for name in MODULES
    if "._" not in name
    and (hasattr(importlib.import_module(name), "__path__") or name.count(".") == 1)
]
ATTRIBUTES = [
    name
    for name, *_ in NumpyDocString(inspect.getdoc(LSTMClassifier))["Attributes"]
    if name not in ("classes_", "history_")  # which the other has not, or otherwise
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# numpydoc's codes, see its page on validation.
CHECKED = {
    "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10",  # layout
    "SS01", "SS02", "SS03", "SS04", "SS06",  # summary
    "PR01", "PR02", "PR03", "PR04", "PR06", "PR07", "PR08", "PR09", "PR10",  # parameters
    "RT01", "RT03", "RT04", "RT05", "YD01",  # what is returned
    "SA02", "SA03", "SA04",  # see also
}  # fmt: skip
# The methods of modules may give their shapes in one line.
CHECKED_IN_NN = CHECKED - {"PR01", "RT01"}


@pytest.fixture(autouse=True)
def quiet_place(monkeypatch, tmp_path):
    """A folder of its own, no windows, and scikit-learn's settings as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    with sklearn.config_context():
        yield
    pyplot.close("all")


def names_of(module):
    return importlib.import_module(module).__all__


def public_objects():
    for module in PUBLIC_MODULES:
        for name in names_of(module):
            yield f"{module}.{name}", getattr(importlib.import_module(module), name)


def public_functions():
    """Paths of the public classes, their own methods, and functions."""
    for path, thing in public_objects():
        if inspect.isclass(thing):
            yield path
            yield from (f"{path}.{name}" for name in own_methods(thing))
        elif callable(thing):
            yield path


def own_methods(cls):
    """Names of the public methods that are not inherited from other packages."""
    for name, member in inspect.getmembers(cls, callable):
        is_own = str(getattr(member, "__module__", None)).startswith("sklstm")
        if is_own and not name.startswith("_") and not inspect.isclass(member):
            yield name


class TestNames:
    @pytest.mark.parametrize("module", MODULES)
    def test_all_names_exist(self, module):
        imported = importlib.import_module(module)
        names = getattr(imported, "__all__", [])
        assert list(names) == sorted(set(names))
        assert all(hasattr(imported, name) for name in names)

    @pytest.mark.parametrize("module", PUBLIC_MODULES)
    def test_public_names_are_all_names(self, module):
        imported = importlib.import_module(module)
        is_package = hasattr(imported, "__path__")
        found = {
            name
            for name, thing in vars(imported).items()
            if not name.startswith("_")
            and not inspect.ismodule(thing)
            and (is_package or getattr(thing, "__module__", None) == module)
        }
        assert found == set(imported.__all__)

    @pytest.mark.parametrize(
        "module", ["sklstm", "sklstm.datasets", "sklstm.inspection", "sklstm.preprocessing"]
    )
    def test_the_api_page_lists_them(self, module):
        page = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
        assert set(names_of(module)) <= set(page.split())


class TestDocstrings:
    @pytest.mark.parametrize("path", list(public_functions()))
    def test_are_complete(self, path):
        checked = CHECKED_IN_NN if path.startswith("sklstm.nn.") else CHECKED
        assert not [error for error in validate(path)["errors"] if error[0] in checked]

    @pytest.mark.parametrize(
        "path", [path for path, thing in public_objects() if callable(thing)]
    )
    def test_of_what_is_public_have_an_example(self, path):
        module, name = path.rsplit(".", 1)
        assert ">>> " in getattr(importlib.import_module(module), name).__doc__

    @pytest.mark.parametrize("module", MODULES)
    def test_examples_run(self, module):
        result = doctest.testmod(importlib.import_module(module), optionflags=OPTIONS)
        assert result.failed == 0

    def test_of_the_estimators_agree(self):
        testing = pytest.importorskip("sklearn.utils._testing")
        if not hasattr(testing, "assert_docstring_consistency"):
            pytest.skip("this version of scikit-learn cannot compare docstrings")
        estimators = [LSTMClassifier, LSTMRegressor]
        first, second = (estimator().get_params() for estimator in estimators)
        same = [name for name in first if name in second and first[name] == second[name]]
        assert len(same) > 15
        testing.assert_docstring_consistency(estimators, include_params=same)
        testing.assert_docstring_consistency(estimators, include_attrs=ATTRIBUTES)

    @pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
    def test_of_the_estimators_name_every_fitted_attribute(self, estimator_class):
        X = np.zeros((4, 3, 2))
        estimator = estimator_class(max_epochs=1, hidden_size=2).fit(X, [0, 1, 0, 1])
        fitted = {name for name in vars(estimator) if name.endswith("_") and name[0] != "_"}
        described = set(re.findall(r"^(\w+_) : ", inspect.getdoc(estimator_class), flags=re.M))
        assert fitted <= described <= fitted | {"feature_names_in_"}

    @pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
    def test_of_the_estimators_name_every_parameter_with_its_default(self, estimator_class):
        doc = inspect.getdoc(estimator_class).replace("\\\n", "\n")
        for name, default in estimator_class().get_params().items():
            (described,) = re.findall(rf"^{name} : (.*(?:\n[ ]+.*)?)", doc, flags=re.M)
            shown = f'"{default}"' if isinstance(default, str) else repr(default)
            assert f"default={shown}" in " ".join(described.split()), name


def code_blocks(text):
    """The Python of a page of reStructuredText that is not in the form of a session."""
    pattern = r"^\.\. code-block:: python\n((?:[ ]+.*\n|\n)+)"
    blocks = [textwrap.dedent(block) for block in re.findall(pattern, text, flags=re.M)]
    return [block for block in blocks if ">>> " not in block]


class TestPages:
    @pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
    def test_run(self, path):
        if path.stem == "user_guide":
            pytest.importorskip("sklearn.callback")
        result = doctest.testfile(str(path), module_relative=False, optionflags=OPTIONS)
        assert result.failed == 0
        namespace = {}
        for block in code_blocks(path.read_text(encoding="utf-8")):
            exec(compile(block, path.name, "exec"), namespace)

    def test_the_main_ones_have_examples(self):
        parser = doctest.DocTestParser()
        for name in ("index", "quick_start", "user_guide"):
            text = (ROOT / "docs" / f"{name}.rst").read_text(encoding="utf-8")
            assert parser.get_examples(text)

    def test_readme_runs(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
        assert blocks
        namespace = {}
        for block in blocks:
            if ">>> " in block:
                block = doctest.script_from_examples(block)
            exec(compile(block, "README.md", "exec"), namespace)


SMALL = {
    "classify_records": {"n_stays": 120, "n_draws": 20},
    "plot_attributions": {"n_patients": 160},
    "plot_gates": {"n_patients": 240},
    "plot_vanishing_gradient": {"n_samples": 200},
    "plot_icu_mortality": {"n_stays": 120, "n_splits": 2},
    "plot_japanese_vowels": {"n_jobs": 1},
    "plot_regression": {"n_patients": 120},
    "plot_risk_over_time": {"n_patients": 240},
}


class TestExamples:
    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_run(self, path, monkeypatch, tmp_path, capsys):
        monkeypatch.syspath_prepend(path.parent)
        example = importlib.import_module(path.stem)
        example.main(max_epochs=1, figures=tmp_path / "figures", **SMALL.get(path.stem, {}))
        pictures = list((tmp_path / "figures").glob("*.png"))
        assert pictures
        assert all(picture.stat().st_size > 1000 for picture in pictures)
        assert capsys.readouterr().out

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_say_at_the_top_what_they_are_about(self, path):
        text = path.read_text(encoding="utf-8")
        assert re.match(r'"""\n(=+)\n.+\n\1\n\n\w', text)
        assert '\nif __name__ == "__main__":\n' in text
