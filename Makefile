# Every target works from a bare checkout: it makes .venv and installs what it needs first.
#   make PYTHON=/path/to/python3   another interpreter
#   make test ARGS="-k mapping"    arguments for the tool behind a target
#   make test WORKERS=0            tests in one process, as a debugger wants it

ARGS ?=
WORKERS ?= 2
ENVIRONMENT = @sh tools/environment.sh
BIN = .venv/bin

# Modules are compiled once, also where somebody's environment says not to keep that: every command and every node of
# the tests is a process of its own.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help run test soak screenshots bench lint format docs audit lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start the demo on http://127.0.0.1:8080
	$(ENVIRONMENT) runtime
	@exec $(BIN)/hookstation demo $(ARGS)

test: ## run every test
	$(ENVIRONMENT) runtime test
	@$(BIN)/python -m tools.browser >/dev/null
	@$(BIN)/python -m tools.judges >/dev/null
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: ## run the long counts: crash rounds and fuzzing (HOOKSTATION_SOAK_ROUNDS=50)
	$(ENVIRONMENT) runtime test
	@$(BIN)/python -m tools.judges >/dev/null
	@HOOKSTATION_SOAK_ROUNDS=$${HOOKSTATION_SOAK_ROUNDS:-50} $(BIN)/python -m pytest -m soak $(ARGS)

screenshots: ## take the pictures of docs/ anew
	$(ENVIRONMENT) runtime test
	@$(BIN)/python -m tools.browser >/dev/null
	@$(BIN)/python -m tools.screenshots

bench: ## run the benchmarks and print their table
	$(ENVIRONMENT) runtime test bench
	@$(BIN)/python -m benchmarks $(ARGS)

lint: ## check style, types, floors and house rules
	$(ENVIRONMENT) runtime test bench lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python hatch_build.py check
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.house_rules

format: ## lay out the code and sort its imports
	$(ENVIRONMENT) lint
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: ## build the documentation into docs/_build
	$(ENVIRONMENT) runtime docs
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

audit: ## look every pinned version up among the known vulnerabilities
	$(ENVIRONMENT) audit
	@$(BIN)/python -m tools.audit $(ARGS)

lock: ## renew constraints.txt after a change of requirements (ARGS=--upgrade: newest of everything)
	$(ENVIRONMENT)
	@$(BIN)/python -m tools.lock $(ARGS)

clean: ## remove everything that the other targets made
	rm -rf .venv build dist docs/_build frontend/node_modules src/hookstation/web/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
