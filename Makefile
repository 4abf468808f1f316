# make demo   train on the embedded sprites and leave runs/sprites/pictures/traversal.png
# make test   run the tests
# Each makes .venv if there is none, and installs what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A busy neighbour slows threads that spin while they wait; threads that sleep at once take a third of a millisecond to
# wake. A short spin has the best of both (docs/benchmarks.md).
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT := 1000

.PHONY: demo test bench docs lint types check clean

demo: $(VENV)/.run
	$(BIN)/infogan train sprites --out runs/sprites --resume
	$(BIN)/infogan evaluate runs/sprites

# A process for each core, up to eight, of one thread: the tests' networks are too small to gain from more.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.dev
	$(BIN)/python -m pytest benchmarks --benchmark-only

# The site, into build/docs; a warning is an error.
docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# The checkers see the repository under the name that it is imported by, whatever its folder is called.
types: $(VENV)/.dev
	mkdir -p $(VENV)/types && ln -sfn ../.. $(VENV)/types/infogan
	MYPYPATH=$(VENV)/types $(BIN)/mypy --package infogan
	$(BIN)/pyright --pythonpath $(BIN)/python

check: lint types test docs bench

clean:
	rm -rf $(VENV) build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[metrics]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.run
