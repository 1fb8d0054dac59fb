# Everything from a fresh clone: each target sets up .venv first. On Windows without make see README.md.
PYTHON ?= python3
VENV := .venv
VENV2 := .venv-pandas2
SCRIPTS := bin
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
endif
BIN := $(VENV)/$(SCRIPTS)
BIN2 := $(VENV2)/$(SCRIPTS)
READY := $(VENV)/.ready
ALL := $(VENV)/.all
READY2 := $(VENV2)/.ready

# Tests and bench start many commands; each would compile all of its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-pandas2 prove lint bench bench-lists bench-reading bench-matcher bench-release bench-nights bench-quick docs docs-check fixtures lock sbom wheels clean

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $(READY)

# The other engines and the bench's peers as well: half a gigabyte, most of it Spark, which only tests and bench need.
# Without --no-deps pip would refuse recordlinkage beside pandas 3; the lock is complete (docs/decisions/0005).
$(ALL): $(READY) requirements-all.lock
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-all.lock
	@touch $(ALL)

# recordlinkage as its metadata wants it, with pandas 2: nothing forced, which `pip check` confirms.
$(READY2): requirements-pandas2.lock pyproject.toml
	$(PYTHON) -m venv $(VENV2)
	$(BIN2)/python -m pip install --quiet --require-hashes -r requirements-pandas2.lock
	$(BIN2)/python -m pip install --quiet --no-deps --editable .
	$(BIN2)/python -m pip check
	@touch $(READY2)

# The main job on the committed fixtures and on 20,000 synthetic clients against 300,000 patients.
demo: $(READY)
	$(BIN)/caretrace demo --out demo

# Spark's tests need Java 17 or later. Files are taken in the order of testpaths, long ones first; by itself pytest-xdist
# would begin with those of many tests, and wait for the single long ones at the end.
test: $(ALL)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# What touches pandas, with pandas 2.
test-pandas2: $(READY2)
	$(BIN2)/python -m pytest tests/functional/test_reference_engine.py tests/unit/linkage/reference tests/unit/connectors

# The slow proofs at full length, an hour of damaged files among them; `make test` runs a sample of each. Tests of
# commands run here too, each command in a process of its own.
prove: $(ALL)
	CARETRACE_PROVE=$${CARETRACE_PROVE:-1} $(BIN)/python -m pytest -m prove

lint: $(ALL)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel
	$(BIN)/check-wheel-contents dist/*.whl

# caretrace, Splink and recordlinkage on the same lists, up to 1 M x 1.25 M; about 25 minutes. What has been measured with
# the same code is not measured again (`bench/run.py --again` does). Then reading, beside DuckDB and pandas (5 minutes),
# look-ups, releases and nights. Each ends with 1 where a promise is not kept: `make -k bench` measures the others all the
# same. `bench-quick` takes the small lists only.
bench: bench-lists bench-reading bench-matcher bench-release bench-nights

bench-lists: $(ALL)
	$(BIN)/python bench/run.py --write

bench-reading: $(ALL)
	$(BIN)/python bench/read.py --write

bench-matcher: $(ALL)
	$(BIN)/python bench/matcher.py

bench-release: $(ALL)
	$(BIN)/python bench/release.py --write

bench-nights: $(ALL)
	$(BIN)/python bench/nights.py --link

bench-quick: $(ALL)
	$(BIN)/python bench/run.py --quick

docs: $(READY)
	$(BIN)/python docs/make.py

docs-check: $(READY)
	$(BIN)/python docs/make.py --check

fixtures: $(READY)
	$(BIN)/python fixtures/make.py

# Needs `uv` on the path; pip reads what it writes. Only the middle one may override what a package asks for.
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock:
	$(COMPILE) --no-config --extra dev -o requirements.lock
	$(COMPILE) --extra dev --extra all -c requirements.lock -o requirements-all.lock
	$(COMPILE) --no-config --extra test --extra recordlinkage -o requirements-pandas2.lock

# What caretrace is made of, as CycloneDX; asks nothing of the network.
sbom: $(READY)
	$(BIN)/python docs/parts.py sbom --out dist/caretrace.cdx.json

# A folder from which caretrace can be installed without a network, on this system and Python (docs/operations.md).
wheels: $(READY)
	rm -rf wheels
	$(BIN)/python docs/parts.py runtime --out wheels/requirements.txt
	$(BIN)/python -m pip download --quiet --require-hashes --only-binary :all: --dest wheels -r wheels/requirements.txt
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels .
	$(BIN)/python docs/parts.py sbom --out wheels/caretrace.cdx.json

clean:
	rm -rf $(VENV) $(VENV2) dist build demo wheels
