# `make help` lists what there is to say.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
LOCAL := $(BIN)/python -m orcid_sync.local
# Shells without a home exist (containers, cron); several tools insist on one.
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/.local/home
endif

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environment ---

# The first Python of the right version that can make environments; `make PYTHON=...` names another.
define find_python
	for python in $(PYTHON) python3.12 python3.13 python3.11 python3.14 python3; do \
		if "$$python" -c 'import sys; assert (3, 11) <= sys.version_info < (3, 15); import venv, ensurepip' 2>/dev/null; \
		then break; fi; python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 to 3.14 with venv is needed: install it (Debian: apt install python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
endef

# $(call install,REQUIREMENTS): the locked, hashed packages, by uv where it is, else by pip. The lock names every package,
# so pip has nothing to look for; older ones would stumble over pinned packages that others want with extras.
define install
	@$(find_python); \
	if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then \
		[ -x $(BIN)/python ] || uv venv --quiet --python "$$(command -v "$$python")" $(VENV) || exit 1; \
		echo "Installing the packages of $(1) with uv ..."; \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) || exit 1; \
	else \
		[ -x $(BIN)/pip ] || "$$python" -m venv $(VENV) || exit 1; \
		echo "Installing the packages of $(1) with pip, which takes a minute or two ..."; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r $(1) || exit 1; \
	fi
	@# The project itself: editable, with what was installed above and nothing else.
	@if [ -x $(BIN)/pip ]; \
	then $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	else uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; fi
endef

$(VENV)/installed: requirements.txt pyproject.toml
	$(call install,requirements.txt)
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(call install,requirements-dev.txt)
	@touch $@

.PHONY: install
install: $(VENV)/installed ## Make the environment .venv, with .venv/bin/orcid-sync

.PHONY: lock
lock: ## Write requirements.txt and requirements-dev.txt anew from the .in files (needs uv)
	uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt

# --- the product on this machine ---

.PHONY: demo
demo: $(VENV)/installed ## Run everything once, from a demo CRIS to ORCID records in a simulated registry
	@$(LOCAL) demo $(ARGS)

.PHONY: up
up: $(VENV)/installed ## Start the same and leave it running (EXECUTOR=celery: with two Celery workers); prints addresses and logins
	@$(LOCAL) up $(if $(EXECUTOR),--executor $(EXECUTOR)) $(ARGS)

.PHONY: down
down: $(VENV)/installed ## End what `make up` started; its data stay in .local/
	@$(LOCAL) down $(ARGS)

.PHONY: demonstration
demonstration: $(VENV)/installed-dev ## Play ORCID's demonstration for production credentials, with a picture of each step
	@$(LOCAL) demonstration $(ARGS)

.PHONY: simulator
simulator: $(VENV)/installed ## Run the registry simulator alone, on port 8090
	@$(BIN)/python -m orcid_simulator --port 8090 $(ARGS)

# --- checks ---

.PHONY: test
test: $(VENV)/installed-dev ## Run all tests; make test ARGS="tests/model -k doi" for some
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

.PHONY: lint
lint: $(VENV)/installed-dev ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

N ?= 1000
.PHONY: simulate
simulate: $(VENV)/installed-dev ## Live through N histories of edits, people and accidents; make simulate N=10000
	$(BIN)/python -m tests.simulation.run --n $(N) $(ARGS)

.PHONY: docs
docs: $(VENV)/installed ## Write the tables of README.md anew, from the code
	$(BIN)/python docs/generate.py

.PHONY: bench
bench: $(VENV)/installed-dev ## Measure speed and calls to the registry, beside models of other systems; SCALE=large takes an hour
	$(BIN)/python -m tests.benchmarks $(if $(SCALE),--scale $(SCALE)) $(ARGS)
