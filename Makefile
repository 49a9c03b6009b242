PYTHON ?= python3
VENV := .venv
OLDEST := .venv-oldest
# What depends on the versions of scikit-learn and skorch.
OLDEST_TESTS := common metadata_routing preprocessing early_stopping interruptions callbacks warm_start

.PHONY: test demo lint format check-format test-oldest docs clean

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4

demo: $(VENV)/installed
	$(VENV)/bin/python examples/plot_icu_mortality.py --figures figures

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .

check-format: $(VENV)/installed
	$(VENV)/bin/ruff format --check .

format: $(VENV)/installed
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

test-oldest: $(OLDEST)/installed
	$(OLDEST)/bin/python -m pytest --numprocesses auto --maxprocesses 4 $(OLDEST_TESTS:%=tests/test_%.py)

docs: $(VENV)/installed-docs
	$(VENV)/bin/python -m sphinx -W -b html docs docs/_build/html

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

$(OLDEST)/installed: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --constraint constraints-oldest.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) figures docs/_build
