# Everything starts here. Needed: python3.11 with venv and pip, make; for the tests also git and apt.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
PYTEST := $(BIN)/python -m pytest
# A worker that falls ends the run and names its test; replaced, it would hang the whole.
TWO := -n 2 --dist loadfile --max-worker-restart=0

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long headline soak parts check format bench lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(SETUP) ## Make .venv from the lock; afterwards .venv/bin/cti works

$(SETUP): requirements-dev.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python -a -x $(BIN)/pip || "$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(SETUP) ## Start Thirteen with a sample CRM and a replayed PBX, and print where to log in
	@exec $(BIN)/cti demo

test: $(SETUP) parts ## All tests but the long ones (under 12 minutes on 2 cores), two files at a time
	@$(PYTEST) -q -m "not long" $(TWO)

test-long: $(SETUP) parts ## The long runs (under 45 minutes): those that compare times alone, then two files at a time
	@$(PYTEST) -q -m long tests/asterisk
	@$(PYTEST) -q -m long --ignore=tests/asterisk $(TWO)

headline: $(SETUP) parts ## The headline figures of faults, on real processes (half an hour; HEADLINE="--only link" for some)
	@$(BIN)/python -m tests.faults.headline $(HEADLINE)

soak: $(SETUP) parts ## Ten million simulated schedules, then a thousand of each fault on real processes (many hours)
	@$(BIN)/python -m tests.simulation.soak $(SOAK)
	@$(BIN)/python -m tests.faults.headline --kills 1000 --cuts 1000 --failovers 200 --pauses 1000 $(HEADLINE)
	@$(BIN)/python -m tests.faults.broken --costly

parts: $(SETUP) # Asterisk, Chromium and the like, fetched before any test's clock runs
	@$(BIN)/python -m tests.parts

check: $(SETUP) ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(SETUP) ## Put the code into the one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(SETUP) ## Print ratios against peers and floors, all measured in one run
	@$(BIN)/python -m benchmarks

UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate --quiet

lock: $(SETUP) ## Write requirements.txt and requirements-dev.txt anew from pyproject.toml
	@set -e; tool=$$(mktemp -d); trap 'rm -rf "$$tool"' EXIT; \
	"$(PYTHON)" -m venv "$$tool"; "$$tool/bin/pip" install --quiet --disable-pip-version-check uv; \
	PATH="$$tool/bin:$$PATH"; export PATH; \
	$(UV_COMPILE) pyproject.toml -o requirements.txt $(UPGRADE); \
	$(UV_COMPILE) pyproject.toml --extra dev -o requirements-dev.txt $(UPGRADE)

clean: ## Take away what was made here (the fetched parts in .cache stay)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.cache/*' -prune -exec rm -rf {} +
