# `make help` lists what there is to do.
.DEFAULT_GOAL := help
.PHONY: help run dev test test-integration servers bench lint docs lock clean
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
ALL := -o addopts="-ra --strict-markers"

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: $(VENV)/installed ## set up, land the samples, run the nightly job, publish, say where to look
	@$(BIN)/engagement run

dev: $(VENV)/installed ## open the Dagster UI on http://127.0.0.1:3000
	@$(BIN)/engagement dev

# With SERVERS_EXPECTED, as in CI, the tests on real servers are part of it.
test: lint $(if $(SERVERS_EXPECTED),servers) ## linters, types, documentation, tests
	$(BIN)/engagement docs --check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15 $(if $(SERVERS_EXPECTED),$(ALL))

test-integration: servers ## pull from real servers
	$(BIN)/python -m pytest $(ALL) tests/integration

servers: $(VENV)/installed ## install the servers of `make test-integration` below .cache (minutes; needs node and npm)
	$(BIN)/python tests/integration/install.py

bench: $(VENV)/installed ## measure whole nights and write docs/performance.md (an hour; LINES="samples 100000" for some sizes only)
	$(BIN)/python -m tests.bench.night $(LINES)

lint: $(VENV)/installed ## ruff, mypy and sqlfluff
	$(BIN)/ruff check pipelines tests
	$(BIN)/mypy
	ENGAGEMENT_HOME=$(CURDIR)/data DBT_TARGET_PATH=$(CURDIR)/data/lint $(BIN)/sqlfluff lint dbt_project/models dbt_project/tests/assert_*.sql --disable-progress-bar

docs: $(VENV)/installed ## write docs/tables.md and docs/landing.md anew
	$(BIN)/engagement docs

lock: ## resolve requirements.lock anew (needs uv)
	uv pip compile --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header --extra dev --upgrade pyproject.toml -o requirements.lock

clean: ## remove the environment, the data and every build product
	rm -rf $(VENV) .cache data .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: requirements.lock pyproject.toml
	@echo "setting up $(VENV) from requirements.lock (a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
