.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
Q ?= A shop sells pens at 3 for 2 euros. How much are 18 pens, and how much change from a 20 euro note?
MODE ?= thinking

.PHONY: help ask demo-trip check test fix docs bench clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

# Runtime dependencies only; `ask` needs no more.
$(VENV)/.installed: pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Pierian needs Python 3.11 or newer: make PYTHON=python3.12 …"; rm -rf $(VENV); exit 1; }
	@echo "Installing Pierian …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[accounts,server]'
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	@echo "Installing what checks and tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[accounts,planning,server,vision]' --group dev
	@$(BIN)/python tests/javascript/install.py
	@$(BIN)/python tests/webapp/install.py
	@$(BIN)/python tests/accounts/install.py
	@touch $@

ask: $(VENV)/.installed ## Ask the default model: make ask Q="How much is 15% of 80?"
	@$(BIN)/pierian models path >/dev/null 2>&1 || $(BIN)/pierian models pull
	@$(BIN)/pierian ask --mode $(MODE) -- "$$Q"
export Q

demo-trip: $(VENV)/.developing ## Plan a trip from end to end: local calendars, an offers file, no model
	@$(BIN)/python examples/trip/demo.py --keep trip-demo

check: $(VENV)/.developing ## Lint, types, structure, documentation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports
	@$(BIN)/python docs/generate.py --check

test: $(VENV)/.developing ## All tests; pulls the default model and the small one the first time
	@$(BIN)/pierian models path smollm2-135m >/dev/null 2>&1 || $(BIN)/pierian models pull smollm2-135m
	@$(BIN)/pierian models path qwen2.5-coder-1.5b >/dev/null 2>&1 || $(BIN)/pierian models pull qwen2.5-coder-1.5b
	@$(BIN)/pytest --numprocesses 2 --dist loadgroup

fix: $(VENV)/.developing ## Format and repair what can be repaired
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.developing ## Write the generated pages of docs/
	@$(BIN)/python docs/generate.py

bench: $(VENV)/.developing ## A first look at accuracy and speed (see benchmarks/README.md)
	@$(BIN)/python -m benchmarks.overhead
	@$(BIN)/python -m benchmarks.startup

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache dist
