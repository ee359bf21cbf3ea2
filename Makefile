# `make demo` and `make test` need Python 3.11-3.13 and a package index, nothing else.
PYTHONS = 3.11 3.12 3.13
VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# Each worker has its own half of the files, so what a file's tests share is made once, until one is idle.
PYTEST = $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# The first Python that runs: a shim of pyenv may stand on the path and run nothing.
PYTHON = $(shell for python in \
	$(foreach v,$(PYTHONS),python$(v) "$$(pyenv prefix $(v) 2>/dev/null)/bin/python") python3 python; do \
	"$$python" -c 'import sys; "%d.%d" % sys.version_info[:2] in "$(PYTHONS)".split() or sys.exit(1); print(sys.executable)' \
	2>/dev/null && break; done)
# `make UV= ...` does without uv.
UV = $(shell uv --version >/dev/null 2>&1 && echo uv)

# Where it is set, each process compiles all that it imports: 4 s of the 6 that `daklaag` takes to start.
unexport PYTHONDONTWRITEBYTECODE

# A kernel's tests bear its name.
KERNEL_TESTS = $(wildcard $(patsubst kernels/%,tests/kernels/test_%,$(wildcard kernels/*.py)))

.PHONY: help demo map serve test test-all coverage lint format bench load rehearsal pictures peers lock clean

help:
	@echo "make demo      a generated quarter judged, from sheets to map, in demo/; a year of sun and wind in demo-year/"
	@echo "make serve     the demo's roofs on a map, at http://127.0.0.1:8000/map/"
	@echo "make test      the quick tests"
	@echo "make test-all  all tests, the slow proofs too;  make coverage  of the kernels, compiler off"
	@echo "make lint      ruff and mypy;  make format  lets ruff mend what it can"
	@echo "make map       the libraries of the map's page, from the npm registry, checked"
	@echo "make bench     the benchmarks, and the tables and figures of them"
	@echo "make load      a service asked by 50 clients while jobs run: four minutes"
	@echo "make rehearsal the whole country, generated, in GROUND: 20 GB, one to two hours"
	@echo "make pictures  the pictures of map, card and 3D in the docs, in a browser"
	@echo "make peers     the peers that make bench compares with, in an environment of their own"
	@echo "make lock      the lock files anew, after a change of dependencies"
	@echo "make clean     away with all that these leave, the environment included"

demo: $(READY)
	$(BIN)/daklaag demo --out demo
	$(BIN)/daklaag demo --method annual --out demo-year

map: $(READY)
	$(BIN)/python -m service.page.vendor page

serve: map
	$(BIN)/daklaag demo --out demo --inputs demo-inputs
	$(BIN)/daklaag serve --data demo --data demo-inputs --state demo-state \
		--attribution "a generated quarter: no real place"

test: $(READY)
	$(PYTEST) -m "not slow"

test-all: $(READY) map
	$(BIN)/python -m service.page.vendor tests
	$(PYTEST)

coverage: $(READY)
	NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest -m "not slow" $(KERNEL_TESTS)
	$(BIN)/coverage report

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy kernels pipeline service bench

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Alone on the machine, if it can be: figures of two machines are compared by `bench --compare`.
bench: $(READY)
	mkdir -p .benchmarks
	set -e; for kind in kernels scaling peers; do \
		$(BIN)/daklaag bench $$kind --json .benchmarks/$$kind.json; done
	$(BIN)/python -m bench.table .benchmarks README.md docs/benchmarks.md
	$(BIN)/python -m bench.chart .benchmarks docs/benchmarks.png

load: $(READY)
	mkdir -p .benchmarks
	$(BIN)/python -m bench.load --json .benchmarks/load.json
	$(BIN)/python -m bench.table .benchmarks README.md docs/benchmarks.md

pictures: $(READY)
	$(BIN)/python -m tests.support.pictures docs

# Alone on the machine too. What was generated in GROUND is there for the next time.
GROUND = .rehearsal
rehearsal: $(READY)
	mkdir -p .benchmarks
	$(BIN)/daklaag bench sheet --rounds 3 --folder "$(GROUND)" --json .benchmarks/sheet.json
	$(BIN)/python -m bench.rehearsal all --folder "$(GROUND)" --json .benchmarks/rehearsal.json
	$(BIN)/python -m bench.table .benchmarks README.md docs/benchmarks.md

# The newest Python first: of some peers the wheels are for 3.12 and later.
peers: PYTHONS = 3.13 3.12 3.11
peers:
	"$(or $(PYTHON),python3)" -m venv .peers
	.peers/bin/python -m bench.peers.install

lock:
	uv lock
	uv export --quiet --locked --all-groups --no-hashes --no-emit-project --no-header --no-annotate \
		--output-file requirements.lock

clean:
	rm -rf demo demo-year demo-inputs demo-state site service/page/map/vendor tests/vendor dist build .coverage .benchmarks .rehearsal .hypothesis .mypy_cache .pytest_cache .ruff_cache .peers $(VENV)
	find kernels pipeline service tests bench -name __pycache__ -exec rm -rf {} +

define with_uv
UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --locked --python "$(or $(PYTHON),$(firstword $(PYTHONS)))"
endef

define with_pip
@test -n "$(PYTHON)" || { echo "daklaag needs Python (one of $(PYTHONS)); here is $$(python3 --version 2>&1)." >&2; exit 1; }
"$(PYTHON)" -m venv $(VENV)
$(BIN)/python -m pip install --quiet --requirement requirements.lock
$(BIN)/python -m pip install --quiet --no-deps --editable .
endef

$(READY): pyproject.toml uv.lock requirements.lock
	$(if $(UV),$(with_uv),$(with_pip))
	touch $@
