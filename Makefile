# Everything is set up inside the checkout; nothing needs root but `make system`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TOOLS := $(CURDIR)/.tools
BIN := .venv/bin
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
UV := $(TOOLS)/uv/bin/uv
# Somebody else's settings for the installers are left alone, except where they would write outside.
export UV_CACHE_DIR ?= $(TOOLS)/cache/uv
export npm_config_cache ?= $(TOOLS)/cache/npm
export UV_PYTHON_DOWNLOADS := never
# A city's network may have a certificate authority of its own: the system knows it.
export UV_SYSTEM_CERTS ?= 1
export NODE_USE_SYSTEM_CA ?= 1

RUN := $(TOOLS)/run.stamp
DEV := $(TOOLS)/dev.stamp

# What Debian's packages are for: browser tests and screenshots, Korean in them, the other
# database, a second network in a test, what carries conferences and their relay, programs in Go
# that tests and benchmarks start.
PACKAGES := chromium fonts-noto-cjk fonts-noto-core postgresql iproute2 procps janus coturn \
  golang-go golang-github-pion-webrtc.v3-dev golang-github-gorilla-websocket-dev

# Set up for tests once, a checkout stays so; and one that was moved is set up anew.
ifneq ($(shell cat $(TOOLS)/place 2>/dev/null),$(CURDIR))
$(shell rm -f $(RUN) $(DEV) $(TOOLS)/node.stamp $(TOOLS)/node-dev.stamp)
endif
READY := $(if $(or $(wildcard $(DEV)),$(filter test screenshots lock $(DEV),$(MAKECMDGOALS))),$(DEV),$(RUN))
# The same for what node runs; tests have a package of their own there.
NODE := $(TOOLS)/node$(if $(filter $(DEV),$(READY)),-dev).stamp

.PHONY: help demo setup test system screenshots lock clean

help:
	@echo 'make demo         set up and start the platform (HTTPS=1 for other machines, HOST=name,'
	@echo '                  CITY=name for another city of cities/, with a state of its own)'
	@echo 'make test         set up and run every check and test'
	@echo 'make screenshots  take the pictures in docs/ anew'
	@echo 'make system       as root, once: Debian packages that tests and optional engines need'
	@echo 'make lock         choose versions of all packages anew'
	@echo 'make clean        remove what was set up; var/ stays'

# Another city's profile, and a folder of its own for what it loads, computes and publishes.
ifdef CITY
export CITYLIB_PROFILE := cities/$(CITY)
export CITYLIB_VAR := var/$(CITY)
endif

demo: setup
	@[ -z '$(CITY)' ] || [ -f 'cities/$(CITY)/city.toml' ] || \
	  { echo 'there is no cities/$(CITY)/city.toml; cities are: $(patsubst cities/%/city.toml,%,$(wildcard cities/*/city.toml))' >&2; exit 1; }
	@exec $(BIN)/citylib serve $(if $(HTTPS),--https) $(if $(PORT),--port $(PORT)) $(foreach host,$(HOST),--host $(host))

setup: $(READY) $(NODE)

test: $(if $(filter 0,$(shell id -u)),system) $(DEV) $(NODE)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile -m 'not media'
	$(BIN)/pytest -m media

screenshots: $(DEV) $(NODE)
	$(BIN)/python docs/take_screenshots.py

system:
	@missing=; for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then echo 'system: all there'; exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then echo "make system needs root; missing:$$missing" >&2; exit 1; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -q && apt-get install -q -y --no-install-recommends $$missing

$(TOOLS)/uv: requirements-uv.lock
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo 'Python 3.11 is needed: apt-get install python3, or make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@rm -rf $@ $(TOOLS)/pip; pip='$(PYTHON) -m pip'; \
	if ! $$pip --version >/dev/null 2>&1; then \
	  $(PYTHON) -m venv $(TOOLS)/pip >/dev/null 2>&1 || \
	    { echo 'pip is needed once, to fetch the installer: apt-get install python3-pip' >&2; exit 1; }; \
	  pip=$(TOOLS)/pip/bin/pip; \
	fi; \
	$$pip install -q --disable-pip-version-check --no-cache-dir --require-hashes \
	  --no-deps --only-binary :all: --target $@ -r requirements-uv.lock
	@touch $@

$(RUN) $(DEV): $(TOOLS)/uv pyproject.toml requirements-build.lock
	@[ "$$(cat $(TOOLS)/place 2>/dev/null)" = "$(CURDIR)" ] && [ -x .venv/bin/python ] || \
	  $(UV) venv -q --clear --python $(PYTHON) .venv
	$(UV) pip sync -q --python $(BIN)/python --require-hashes $(if $(filter $(DEV),$@),requirements-dev.lock,requirements.lock)
	$(UV) pip install -q --python $(BIN)/python --no-deps --build-constraints requirements-build.lock -e .
	@echo $(CURDIR) > $(TOOLS)/place
	@touch $@

$(RUN): requirements.lock
$(DEV): requirements-dev.lock

$(NODE): package-lock.json package.json | $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci $(if $(filter $(DEV),$(READY)),,--omit=dev )--ignore-scripts --no-fund --no-audit --no-update-notifier --loglevel error
	@touch $@

lock: $(READY)
	$(UV) pip compile -q --upgrade pyproject.toml --python-version 3.11 --python-platform linux \
	  --generate-hashes --no-header --no-annotate -o requirements.lock
	$(UV) pip compile -q --upgrade pyproject.toml --extra dev -c requirements.lock --python-version 3.11 \
	  --python-platform linux --generate-hashes --no-header --no-annotate -o requirements-dev.lock
	$(BIN)/python scripts/environment.py
	echo hatchling | $(UV) pip compile -q --upgrade - --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -o requirements-build.lock

clean:
	rm -rf .venv .tools node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
