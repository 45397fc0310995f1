# Two commands: `make demo` trains a first network and says where its report is, `make test` checks everything.
# Both make .venv first, and again only when pyproject.toml changes. PYTHON=python3.12 chooses another Python.

PYTHON ?= python3
BIN := .venv/bin
PRETTIER := prettier@3.10.1

.PHONY: demo test scripts chromium clean

demo: .venv/installed
	$(BIN)/sightline train digits
	@echo "Look at it in a browser: file://$(CURDIR)/$$(ls -t runs/*/report.html | head -n 1)"

test: .venv/installed-dev chromium scripts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q  # one thread for each of two workers

# How the scripts of pages are written: as prettier does it, which npm fetches into its cache. Without npm, or where it
# cannot fetch, that is not checked, and it says so. `make scripts MODE=--write` writes them so.
scripts: MODE ?= --check
scripts:
	@if ! command -v npx > /dev/null; then \
	  echo "There is no npm: how the scripts are written is not checked."; \
	elif ! npx --yes --prefer-offline $(PRETTIER) --version > /dev/null 2>&1; then \
	  echo "npm cannot fetch $(PRETTIER): how the scripts are written is not checked."; \
	else \
	  npx --yes --prefer-offline $(PRETTIER) $(MODE) 'src/**/*.js'; \
	fi

# Pages are tested in Chromium: the system's, installed from its packages where there is none and we may. Without it those
# tests are skipped, and say so.
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && apt-get -qq update && \
	  apt-get -qq install --no-install-recommends chromium fonts-dejavu-core > /dev/null; } || \
	echo "There is no Chromium: tests of pages in a browser are skipped."

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/installed

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Sightline needs Python 3.11 or newer, and $(PYTHON) is" $$($(PYTHON) --version 2>&1); \
	    echo "Install one and say which: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
