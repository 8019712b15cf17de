# Everything a newcomer types. Needs Linux on x86-64, make, bash and Python 3.11; the rest installs itself
# into .local/, which git ignores.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# PYTHONDONTWRITEBYTECODE would have each of the many Python processes compile anew what it imports.
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

STACK ?= demo
ROWS ?= 20000
PYTHON := PYTHONPATH=.:plugins .local/venv/bin/python
# Ports count only when they are typed (make up AIRFLOW_PORT=9000): REDIS_PORT in a shell often means another thing.
PORT_NAMES := MONGODB_PORT POSTGRES_PORT REDIS_PORT AIRFLOW_PORT SPOTIFY_PORT
PORTS := $(foreach name,$(PORT_NAMES),$(if $(findstring command,$(origin $(name))),$(name)=$($(name))))
# Many shells have a USERNAME of their own, which is no Spotify user.
USER_OPTION := $(if $(findstring command,$(origin USERNAME)),--username "$(USERNAME)")
LINTED := $(wildcard dags plugins local benchmarks tests)

.PHONY: help bootstrap demo up down setup authorize status password test faults fuzz lint format bench lock audit clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  local/run COMMAND...  run airflow, psql, mongosh, redis-cli, pytest... in the stack's environment"
	@echo "Options: ROWS=20000 or SOURCE=my_spotify_data.zip USERNAME=me (demo), STACK=demo|test, WORKERS=0, MONGODB_PORT= POSTGRES_PORT= REDIS_PORT= AIRFLOW_PORT= SPOTIFY_PORT="

bootstrap:
	@local/bootstrap
	@local/build-page

demo: bootstrap ## set everything up, load a sample of ROWS plays, or your SOURCE, show the result
	@$(PYTHON) -m local.demo --stack $(STACK) --rows $(ROWS) $(if $(SOURCE),--source "$(SOURCE)") $(USER_OPTION) $(PORTS)

up: bootstrap ## start the stack with the Airflow UI
	@$(PYTHON) -m local up --stack $(STACK) $(PORTS)

down: bootstrap ## stop the stack; its data stays
	@$(PYTHON) -m local down --stack $(STACK)

setup: bootstrap ## ask for your own servers and accounts, test them, write .env; NO_INPUT=1 only tests
	@$(PYTHON) -m local.setup $(if $(NO_INPUT),--no-input)

authorize: bootstrap ## a listener allows recently_played to read their plays and playlists; REMOVE=USER takes it back
	@STACK=$(STACK) local/run python -m echotune.deployment.authorize $(if $(REMOVE),--remove "$(REMOVE)") $(if $(CALLBACK_PORT),--port $(CALLBACK_PORT))

status: bootstrap ## show what runs, where, and the DAGs' last runs
	@$(PYTHON) -m local status --stack $(STACK)

password: bootstrap ## show the password of the Airflow user admin
	@$(PYTHON) -m local password --stack $(STACK)

test: bootstrap ## set everything up and run all checks and tests, in a stack of their own
	@local/test $(PORTS) -- $(TESTS)

faults: bootstrap ## break things while the whole chain works, FAULTS=60 SEED=1, and compare what comes out
	@local/test $(PORTS) -- tests/whole_platform/test_recovery.py tests/whole_platform/test_runs_again.py --capture=no --faults $(or $(FAULTS),60) --in-a-round 5 --every-position --fault-seed $(or $(SEED),1)

fuzz: bootstrap ## try broken files, answers and settings, CASES=100000 SEED=1, and look for wrong rows, crashes and hangs
	@$(PYTHON) -m pytest tests/fuzzing --numprocesses 2 --timeout 0 --durations 0 --durations-min 1 --cases $(or $(CASES),100000) --hypothesis-seed $(or $(SEED),1)

lint: bootstrap ## check style and types
	@.local/venv/bin/ruff check $(LINTED)
	@.local/venv/bin/ruff format --check $(LINTED)
	@.local/venv/bin/mypy

format: bootstrap ## repair what the style check finds and can repair
	@.local/venv/bin/ruff check --fix $(LINTED)
	@.local/venv/bin/ruff format $(LINTED)

bench: bootstrap ## measure the load beside other ways to do it, in servers and a stack of their own
	@$(PYTHON) -m benchmarks $(BENCH) $(if $(SCALE),--scale $(SCALE))

lock: bootstrap ## compile requirements.in into requirements.txt, for the platform and for the local stack
	@cd . && .local/venv/bin/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_35 \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt
	@cd local && ../.local/venv/bin/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_35 \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt

audit: bootstrap ## ask for known advisories about every locked package
	@local/audit $(AUDIT)

clean: ## stop every stack and remove .local/: packages, data, secrets
	@if [[ -x .local/venv/bin/python ]]; then $(PYTHON) -m local clean; else rm -rf .local; fi
