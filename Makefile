# Two commands set everything up on a machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKERS ?= 2

.PHONY: demo test slow lint types wheel lock bench clean

demo: $(INSTALLED)
	$(BIN)/headwater demo demo-project

test: $(INSTALLED)
	$(BIN)/pytest -n $(WORKERS)

slow: $(INSTALLED)
	$(BIN)/pytest -n $(WORKERS) -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Types are checked on the wheel as users get it, in an environment of its own (see .ci/run).
types wheel:
	bash .ci/wheel

bench: $(INSTALLED)
	$(BIN)/python bench/run_cost.py
	$(BIN)/python bench/staleness.py
	$(BIN)/python bench/lineage_speed.py

# Writes the versions that installs repeat; run after changing dependencies in pyproject.toml.
lock: $(INSTALLED)
	$(BIN)/pip freeze --exclude headwater --exclude pip --exclude setuptools > constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headwater needs Python 3.11 or newer; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .venv-wheel build dist demo-project *.egg-info
