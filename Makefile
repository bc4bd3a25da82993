# `make demo` and `make test` need Python 3.11, git and make; everything else comes with them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WANTED := -r requirements-dev.txt -c constraints.txt

.PHONY: setup demo test check clean

setup: $(STAMP)

$(STAMP): requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; say PYTHON=/path/to/python3.11.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: on Debian install python3-venv."; exit 1; }
	@echo "Installing into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.9 2>/dev/null || true
	@$(BIN)/uv pip install -q --system-certs --python $(BIN)/python $(WANTED) 2>/dev/null \
	|| { echo "uv is not to be had here, pip takes a little longer"; $(BIN)/python -m pip install -q --disable-pip-version-check $(WANTED); }
	@touch $@

demo: setup
	@$(BIN)/python manage.py demo

test: setup
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	PYTHONPATH=.:platform $(BIN)/lint-imports --no-cache
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python tests/standard_library.py

clean:
	rm -rf $(VENV) var
