# Fenliu 分流. `make help` lists what can be done; a fresh machine needs Python 3.11 or 3.12 with venv, a C compiler, make.
SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready
UV_VERSION := 0.13.9
# Where bytecode may not be kept, every process that is started compiles all it imports anew: 5 s of a processor, not 2.5.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test check bench soak pictures lock clean format

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv with fenliu in it (idempotent)

$(READY): requirements.lock pyproject.toml classifiers/fused.pyx
	@command -v cc >/dev/null || command -v gcc >/dev/null || \
	  { echo "No C compiler found: durable-rules is built from source. On Debian: apt-get install build-essential python3-dev"; exit 1; }
	@test -x $(BIN)/python || { python="$${PYTHON:-$$(.ci/python)}"; test -n "$$python" || { echo \
	  "Fenliu needs Python 3.11 or 3.12 with venv and headers (durable-rules fails to import on 3.13)." \
	  "Found: $$(python3 --version 2>&1 | head -1). On Debian: apt-get install python3-venv python3-dev;" \
	  "else make setup PYTHON=/path/to/python3.11"; exit 1; }; \
	  "$$python" -m venv .venv || { echo "python3 -m venv failed. On Debian: apt-get install python3-venv"; exit 1; }; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $(READY)

run: setup ## start everything on an embedded store, play sample calls, console at http://127.0.0.1:8110/
	@exec $(BIN)/fenliu demo

test: check ## every check and test
	@$(BIN)/pytest -n 2 --dist loadgroup -m "not soak" --ignore tests/browser
	@$(BIN)/pytest -n 2 tests/browser  # by itself: Playwright keeps an event loop running that asynchronous tests cannot share

check: setup ## ruff, mypy --strict, import contracts, rules, known vulnerabilities of dependencies (asked once a day)
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/fenliu rules check --rules rules
	@$(BIN)/fenliu rules test --rules rules
	@$(BIN)/python .ci/audit

bench: setup ## the benchmarks: a table for people and build/bench.json
	@$(BIN)/python -m benchmarks

soak: setup ## the long campaigns
	@$(BIN)/pytest -m soak --timeout 7200

pictures: setup ## take the pictures of docs/operating.md anew
	@FENLIU_PICTURES=1 $(BIN)/pytest tests/browser -k "every_size or with_a_fault"

format: setup ## put the code in shape
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

lock: ## resolve the newest versions into requirements.lock (hashes, no addresses)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock

clean: ## remove what was built (not the data dir)
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
