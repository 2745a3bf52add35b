# Everything runs from .venv, which `make setup` builds from requirements.lock, every file checked by its hash.
.DEFAULT_GOAL := help
.PHONY: help setup parquet demo test servers quick lint bench contract lock clean
SHELL := /bin/bash

PYTHON ?= python3
# Tests that touch nothing outside of their process, and may so run beside each other.
PURE := tests/unit tests/house tests/examples tests/laws tests/identity tests/routing
PARALLEL := --numprocesses=auto
# Tests with servers wait a part of the time: three files at a time, each with brokers of its own. By their names: files
# with few tests, which xdist would put last, are those that take longest.
SERVED := --numprocesses=3 --dist=loadfile --no-loadscope-reorder
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

help: ## this list
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: .venv/.run ## build .venv with everything to run

parquet: .venv/.run ## add what `heatline export --format parquet` needs
	$(PIP) install --require-hashes -r requirements-parquet.lock

demo: .venv/.run ## broker, worker, simulated site and board on this machine; ARGS="--for 30s" ends by itself
	$(BIN)/heatline demo $(ARGS)

test: lint servers ## lint, types and all tests, with a real Kafka and a real Redis (installed where they are missing)
	$(BIN)/pytest $(PARALLEL) $(PURE)
	$(BIN)/pytest $(SERVED) $(PURE:%=--ignore=%)

servers: .venv/.dev ## install what the tests with servers need
	$(BIN)/python -m tests.servers

quick: .venv/.dev ## the tests that need no server, with fewer random examples
	$(BIN)/pytest -q $(PARALLEL) --hypothesis-profile=quick tests/unit

lint: .venv/.dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.dev ## throughput, latency, recovery, memory, beside a stock Faust agent
	$(BIN)/python -m benchmarks $(ARGS)

contract: .venv/.run ## renew from the code what is made of it: schemas, the AsyncAPI document, docs/reference/
	$(BIN)/python -m engine.stream.contract
	$(BIN)/python -m engine.notify.notifyschema
	$(BIN)/python -m engine.reference

lock: .venv/.dev ## renew the lock files from pyproject.toml; --upgrade in ARGS takes newer versions
	$(LOCK) $(ARGS) pyproject.toml --group build -o requirements.lock
	$(LOCK) $(ARGS) pyproject.toml --extra parquet -c requirements.lock -o requirements-parquet.lock
	$(LOCK) $(ARGS) pyproject.toml --extra parquet --group build --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove what the other targets built
	rm -rf .venv .servers build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Heatline needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		     "Name another one: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. Install what it lacks (Debian, Ubuntu:" \
		     "sudo apt-get install python3-venv) and run make again." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: requirements.lock pyproject.toml | .venv/.python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
