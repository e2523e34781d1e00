# `make demo`: a real answer from nothing. `make test`: the whole suite. Both make .venv themselves.
# (--no-compile: what is imported is compiled then, which is far less than all that is installed.)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint coverage mutants bench wheel clean

demo: $(VENV)/installed
	$(BIN)/pimsim run adc_bits --workers 2

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

coverage: $(VENV)/installed-dev
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest --cov=pimsim --cov-report=term-missing

# Would the tests notice small faults? About two hours of processor time; docs/testing.md tells what came out.
mutants: $(VENV)/installed-mutants
	$(BIN)/python benchmarks/mutants.py

# Speeds beside numpy, onnxruntime and a sparse LU: minutes; docs/performance.md tells what came out.
bench: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench_matmul.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench_engine.py
	$(BIN)/python benchmarks/bench_cells.py
	$(BIN)/python benchmarks/bench_end_to_end.py

wheel: $(VENV)/installed-dev
	$(BIN)/python -m build --wheel

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile --editable .
	touch $@

$(VENV)/installed-test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

# What the optional tests need. The version is pinned: an unpinned torch may come with gigabytes for graphics cards.
$(VENV)/installed-extras: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable ".[test,torch,dask]"
	touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[test,dev]"
	touch $@

$(VENV)/installed-mutants: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[test,dev,mutants]"
	touch $@

clean:
	rm -rf $(VENV) results dist build
