# SPDX-License-Identifier: Apache-2.0
# Needs Python 3.11 or later with its headers and venv, a C compiler, make and git. The rest,
# CMake and Ninja included, is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME

# The package's own build reads this variable too.
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)

c_sources := $(shell find src tests/c benchmarks/c examples/c -name '*.[ch]' -o -name '*.txt' -o -name '*.in')
package_sources := $(shell find src python -type f -not -path '*/__pycache__/*' -not -path '*/.*') \
                   CMakeLists.txt pyproject.toml
c_build := build/test

.PHONY: help demo test bench lint sanitize nightly docs clean
.DELETE_ON_ERROR:

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.package $(VENV)/.have-plot ## Margin a synthetic venue and draw what happens to it
	$(BIN)/margin-core demo

test: $(VENV)/.package $(VENV)/.have-test $(c_build)/.built ## Run the C and the Python tests
	ctest --test-dir $(c_build) --output-on-failure --no-tests=error
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

bench: $(VENV)/.package $(VENV)/.have-bench $(VENV)/.tried-peers ## Measure the kernels and the facade
	$(BIN)/python benchmarks/run.py

lint: $(VENV)/.package $(VENV)/.have-lint ## Check style and types of the Python files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

sanitize: $(VENV)/.package $(VENV)/.have-test ## Run the tests under ASan and UBSan
	cmake --preset sanitize
	cmake --build --preset sanitize
	ctest --preset sanitize
	scripts/sanitized_pytest.sh

nightly: $(VENV)/.package $(VENV)/.have-test $(c_build)/.built ## Run every test, the slow ones and thousands of examples
	$(c_build)/tests/c/test_clearing 100000000
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -n $(JOBS) -m ''

docs: $(VENV)/.package $(VENV)/.have-docs ## Build the documentation into build/docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs build/docs

clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) build dist demo-output .pytest_cache .hypothesis .benchmarks .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- what the commands need; a stamp is newer than what it was made from ----

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# `build` is what building needs, `run` the package's dependencies, others are its extras.
$(VENV)/.have-%: pyproject.toml scripts/requirements.py | $(VENV)/.created
	$(BIN)/python scripts/requirements.py $* > $(VENV)/$*.txt
	$(BIN)/python -m pip install --quiet -r $(VENV)/$*.txt
	@touch $@

# Peers of the benchmarks, one by one: one that does not install is left out, and the report says so.
$(VENV)/.tried-peers: pyproject.toml scripts/requirements.py $(VENV)/.have-bench
	$(BIN)/python scripts/requirements.py peers > $(VENV)/peers.txt
	@while read -r peer; do \
	    $(BIN)/python -m pip install --quiet --only-binary :all: "$$peer" > $(VENV)/peer.log 2>&1 \
	        || echo "not installed: $$peer ($$(grep -m1 '^ERROR' $(VENV)/peer.log))"; \
	done < $(VENV)/peers.txt
	@touch $@

# Installed as users get it, not in place; the build folder makes the next time short. Of a build
# that was interrupted, CMake's cache may remember a Python without headers: it is made anew.
$(VENV)/.package: $(package_sources) $(VENV)/.have-build $(VENV)/.have-run
	@rm -f build/cp*/CMakeCache.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --force-reinstall .
	@touch $@

$(c_build)/.built: $(c_sources) CMakeLists.txt $(VENV)/.have-build
	cmake -S . -B $(c_build) -G Ninja -DCMAKE_BUILD_TYPE=Release -DMC_TESTS=ON -DMC_STRICT=OFF
	cmake --build $(c_build)
	@touch $@
