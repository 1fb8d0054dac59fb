# Everything from a fresh clone: each target sets up .venv first. On Windows without make see README.md.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/.ready

.PHONY: demo test prove lint bench docs docs-check fixtures lock clean

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $(READY)

# The main job on the committed fixtures and on 20,000 synthetic clients against 300,000 patients.
demo: $(READY)
	$(BIN)/caretrace demo --out demo

test: $(READY)
	$(BIN)/python -m pytest

# The slow proofs at full length; `make test` runs a sample of each.
prove: $(READY)
	CARETRACE_PROVE=1 $(BIN)/python -m pytest -m prove

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel
	$(BIN)/check-wheel-contents dist/*.whl

# 100,000 clients against 1,000,000 register rows, and a tenth of both.
bench: $(READY)
	$(BIN)/python bench/link.py

docs: $(READY)
	$(BIN)/python docs/make.py

docs-check: $(READY)
	$(BIN)/python docs/make.py --check

fixtures: $(READY)
	$(BIN)/python fixtures/make.py

# Needs `uv` on the path; pip reads what it writes.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements.lock

clean:
	rm -rf $(VENV) dist build demo
