# `make demo` and `make test` do all the set-up that they need, from a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# One script for each claim of speed; each prints its ratio last and fails where it falls short.
BENCHMARKS := circular_mixing training_step token_tables skyformer input_pipeline growth

.PHONY: demo test lint lock bench clean

# The tested versions. torch is installed from PyPI; where that would be a CUDA build and none is wanted, install a
# CPU build of the same version into .venv first.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2  # two processes: most tests are in one thread

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The hashes of the versions in constraints.txt, from PyPI; after a change of these versions.
lock: $(VENV)/.installed
	$(BIN)/python .ci/lock.py

demo: $(VENV)/.installed
	PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/demo.sh

bench: $(VENV)/.installed
	@failed=""; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py || failed="$$failed $$name"; done; \
	if [ -n "$$failed" ]; then echo "fell short:$$failed"; exit 1; fi

clean:
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache
