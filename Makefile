# `make run` shows a real Label Studio full of lines that were found and read twice; `make test` proves it.
PYTHON ?= python3
LABEL_STUDIO_PORT ?= 8080
BACKEND_PORT ?= 9090
export LABEL_STUDIO_PORT BACKEND_PORT
UV = .venv/bin/uv
DEBIAN = $(if $(filter-out run install lock,$(or $(MAKECMDGOALS),run)),test,run)
# a file that is not the one with the lock's hash is refused
LOCKED = pip install --quiet --no-deps --require-hashes
INSTALL = $(UV) $(LOCKED)
# environments of their own know nothing of what pyproject.toml leaves out of ours
INSTALL_APART = $(INSTALL) --no-config
# what builds our package comes from a lock, too, so it is not fetched for the build
INSTALL_OURS = $(UV) pip install --quiet --no-deps --no-build-isolation --editable .

.PHONY: run practice install setup check format test bench torture lock docs alphabets clean

run: .cache/.debian-run .venv/.run .venv-label-studio/.made  ## Label Studio with the demo pages, pre-annotated
	@.venv/bin/python -m backend.demo.run

practice: .venv/.run  ## beside `make run`: a project of drawn pages, entered as reviewed, to train on
	@.venv/bin/python -m backend.demo.practice

install: .cache/.debian-run .venv/.run  ## twinread alone, beside a Label Studio that you have

setup: .venv/.dev .venv-label-studio/.made .venv-label-studio-ml/.made .cache/.trainer  ## everything that tests need

check: .venv/.dev  ## style, types, the direction of imports, and the locks against known advisories
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	@if [ -x .venv/bin/lint-imports ]; then .venv/bin/lint-imports --no-logo; \
	elif [ -n "$$CI" ]; then echo "import-linter needs Python 3.11 or newer, and CI must run it" >&2; exit 1; \
	else echo "The direction of imports was not checked: import-linter needs Python 3.11 or newer."; fi
	.venv/bin/python scripts/audit

format: .venv/.dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

test: setup  ## the whole suite, on real parts
	.venv/bin/pytest -n 2 --dist loadgroup

bench: setup  ## one table of ratios, measured side by side
	.venv/bin/python -m benchmarks

torture: setup  ## attacks, faults and load on a real backend for two and a half hours, outside CI; writes docs/reliability.md
	.venv/bin/python -m tests.torture --write

# Asked for once, not at each step and each start; before all else, since a virtual environment needs one of them.
.cache/.debian-%: scripts/debian-packages
	@scripts/debian-packages $*
	@mkdir -p .cache && touch $@

.venv/bin/uv: locks/uv.txt | .cache/.debian-$(DEBIAN)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10, 1))' || { echo "twinread needs Python 3.10.1 or newer; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m $(LOCKED) --disable-pip-version-check --only-binary :all: -r locks/uv.txt
	@touch $@

.venv/.run: locks/twinread.txt locks/build.txt pyproject.toml | .venv/bin/uv
	$(INSTALL) -r locks/twinread.txt
	$(INSTALL) -r locks/build.txt
	$(INSTALL_OURS)
	@touch $@

.venv/.dev: locks/dev.txt locks/build.txt pyproject.toml | .cache/.debian-test .venv/bin/uv
	$(INSTALL) -r locks/dev.txt
	$(INSTALL) -r locks/build.txt
	$(INSTALL_OURS)
	@touch $@ .venv/.run

# Label Studio forces old versions of much that twinread uses: an environment of its own.
.venv-label-studio/.made: locks/label-studio.txt | .venv/bin/uv
	$(UV) venv --quiet --clear --python .venv/bin/python .venv-label-studio
	VIRTUAL_ENV=.venv-label-studio $(INSTALL_APART) -r locks/label-studio.txt
	@touch $@

# The same backend under label-studio-ml 1.0.9.
.venv-label-studio-ml/.made: locks/label-studio-ml.txt locks/build.txt pyproject.toml | .venv/bin/uv
	$(UV) venv --quiet --clear --python .venv/bin/python .venv-label-studio-ml
	VIRTUAL_ENV=.venv-label-studio-ml $(INSTALL) -r locks/label-studio-ml.txt
	VIRTUAL_ENV=.venv-label-studio-ml $(INSTALL) -r locks/build.txt
	VIRTUAL_ENV=.venv-label-studio-ml $(INSTALL_OURS)
	@touch $@

# PaddleOCR's own loader, trainer and exporter, as `twinread train` gets them.
.cache/.trainer: converters/training/trainer/requirements.txt converters/training/trainer/sources.py | .venv/.dev
	PYTHONPATH=. .venv/bin/python scripts/trainer
	@touch $@

lock: .venv/bin/uv  ## pins with hashes, from pyproject.toml; UPGRADE=1 takes the newest of everything
	scripts/lock $(if $(UPGRADE),--upgrade)

docs: .venv/.dev  ## the settings, into README.md and .env.example
	PYTHONPATH=. .venv/bin/python scripts/docs

alphabets: .venv/.dev  ## the letters of languages, from hyperglot's data
	PYTHONPATH=. .venv/bin/python scripts/hyperglot-table

clean:
	rm -rf .venv .venv-* .cache .run
