# Every target says what it does in `make help`. Set-up runs by itself when a target needs it and is instant when
# nothing changed: stamps in .venv/ and .anvil/ remember what was installed.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
# One more than there are cores, because many tests wait for sockets and processes.
PYTEST_PROCESSES ?= $(shell echo $$(( $$(nproc) + 1 )))
SEED ?= $(shell date +%s)
FUZZ_INSTRUCTIONS ?= 100000000
MODEL_INPUTS ?= 1000000
SCHEDULES ?= 100000
ANVIL_PACKAGE := @foundry-rs/anvil@1.7.1
SOLC_PACKAGE := solc@0.8.36
# Where the tests find Noir and the prover.
export TRUESTEP_CIRCUIT_TOOLS := $(CURDIR)/.circuits/tools
# pyright must neither look for a newer version of itself nor download one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help setup setup-demo anvil solc circuits prometheus verifiers lock demo check test model economics gateway-cases drill network-drill lab bench gas docs vectors kzg-vectors rom rom-proof contracts fuzz c-programs one-liners python-programs numba-suite rust picolibc npm-package site format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- set-up -----------------------------------------------------------------------------------------------------

setup: $(VENV)/stamp-dev ## build .venv with everything a developer needs, from Python and pip alone

setup-demo: $(VENV)/stamp-demo ## build .venv with only what the demo needs

anvil: .anvil/stamp ## install the anvil devnet into .anvil/ from npm, if npm exists

circuits: .circuits/stamp ## install Noir and the prover of circuits into .circuits/ from npm

solc: .solc/stamp ## install the Solidity compiler into .solc/ from npm, if npm exists

$(VENV)/stamp-demo: pyproject.toml requirements-demo.lock .ci/venv
	@test -e $(VENV)/stamp-dev || .ci/venv requirements-demo.lock
	@touch $@

$(VENV)/stamp-dev: pyproject.toml requirements.lock .ci/venv
	@.ci/venv requirements.lock
	@touch $@ $(VENV)/stamp-demo

# Never fails: without anvil the tests that need it are skipped and say so.
.anvil/stamp:
	@mkdir -p .anvil
	@if ! command -v npm >/dev/null; then \
	  echo "setup: npm not found, so the anvil tests will be skipped"; \
	elif ! npm install --prefix .anvil --no-save --no-audit --no-fund --loglevel=error $(ANVIL_PACKAGE) \
	    >.anvil/install.log 2>&1; then \
	  echo "setup: npm could not install anvil (see .anvil/install.log), so the anvil tests will be skipped"; \
	else \
	  echo "setup: anvil installed into .anvil/"; touch $@; \
	fi

# Likewise: the tests of Solidity are skipped.
.solc/stamp:
	@mkdir -p .solc
	@if ! command -v npm >/dev/null; then \
	  echo "setup: npm not found, so the tests of Solidity will be skipped"; \
	elif ! npm install --prefix .solc --no-save --no-audit --no-fund --loglevel=error $(SOLC_PACKAGE) \
	    >.solc/install.log 2>&1; then \
	  echo "setup: npm could not install solc (see .solc/install.log), so the tests of Solidity will be skipped"; \
	else \
	  echo "setup: solc installed into .solc/"; touch $@; \
	fi

prometheus: .prometheus/stamp ## unpack Debian's Prometheus into .prometheus/, if there is apt-get; nothing is installed

# Likewise: the tests of alerts and of the dashboard for Grafana are skipped.
.prometheus/stamp:
	@mkdir -p .prometheus
	@if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then \
	  echo "setup: apt-get not found, so the tests with Prometheus will be skipped"; \
	elif ! (cd .prometheus && (apt-get -qq download prometheus || (apt-get -qq update && apt-get -qq download prometheus)) \
	    && dpkg -x prometheus_*.deb . && rm prometheus_*.deb) >.prometheus/install.log 2>&1; then \
	  echo "setup: Prometheus could not be fetched (see .prometheus/install.log), so its tests will be skipped"; \
	else \
	  echo "setup: Prometheus unpacked into .prometheus/"; touch $@; \
	fi

# Likewise: the tests that prove are skipped.
.circuits/stamp: src/truestep/circuits/tools/package-lock.json $(VENV)/stamp-dev
	@mkdir -p .circuits
	@rm -rf .circuits/tools
	@if ! $(BIN)/truestep proofs setup --points 8192 >.circuits/install.log 2>&1; then \
	  echo "setup: Noir could not be installed (see .circuits/install.log), so the tests that prove will be skipped"; \
	else \
	  echo "setup: Noir and the prover installed into .circuits/"; touch $@; \
	fi

lock: ## resolve pyproject.toml again into both lock files; UPGRADE=--upgrade takes newer versions
	.ci/lock $(UPGRADE)

# --- the project --------------------------------------------------------------------------------------------------

demo: setup-demo ## run one job from a C program to a settled result, and catch a liar on the way
	$(BIN)/truestep demo

check: setup ## lint, format, types, layers, dead code, dependencies, ROM, compiled contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .
	$(BIN)/python -m truestep.guest.rom --check
	$(BIN)/python -m truestep.contracts.build --check

test: setup anvil solc circuits prometheus ## run every test; PYTEST_PROCESSES=N chooses the parallelism
	$(BIN)/pytest -n $(PYTEST_PROCESSES) --dist worksteal

rust: setup ## build and run examples/rust with Debian's rustc (100 MB are fetched, nothing is installed)
	$(BIN)/python -m tests.guest.rust

picolibc: setup ## build and run a guest of Debian's GCC and picolibc (150 MB are fetched, nothing is installed)
	$(BIN)/python -m tests.guest.picolibc

model: setup ## hold the contracts against the pure model on random calls (SEED=, MODEL_INPUTS=)
	$(BIN)/python -m tests.protocol.settlement.episodes --games --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.comparison --games --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.availability_chain --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.kept_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.verifiers_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.quorums_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.lots_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.audits_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.assignment_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)
	$(BIN)/python -m tests.contracts.anchors_comparison --seed $(SEED) --inputs $(MODEL_INPUTS)

fuzz: setup anvil solc circuits ## run random programs in both engines (SEED=, FUZZ_INSTRUCTIONS=), the property tests for longer, and the long tests
	$(BIN)/python -m tests.engine.fuzz --seed $(SEED) --instructions $(FUZZ_INSTRUCTIONS) --processes $(PYTEST_PROCESSES)
	$(BIN)/python -m tests.engine.float_fuzz --seed $(SEED)
	$(BIN)/pytest -n $(PYTEST_PROCESSES) --dist worksteal -m 'hypothesis or long' --hypothesis-profile=fuzz --timeout=0

economics: setup ## whether it pays to cheat (SEED=, SCHEDULES=), and the figures of docs/economics.md
	$(BIN)/python -m tests.protocol.settlement.economics --seed $(SEED) --schedules $(SCHEDULES)
	$(BIN)/python benchmarks/economics.py

gateway-cases: setup ## 10,000 requests to a gateway, made up out of its OpenAPI document; CASES= and SEED= change that
	$(BIN)/python -m tests.gateway.cases --cases $(or $(CASES),10000) --seed $(SEED)

drill: setup ## carry out the drills of data availability (docs/drills.md); DRILLS="wrong-bytes rpc-outage" chooses
	$(BIN)/truestep drill availability $(DRILLS)

network-drill: setup anvil ## 1,000 jobs, 8 workers, 1 % liars on a node with a block a second (docs/drills.md); JOBS=, WORKERS=, LIARS= change that
	$(BIN)/truestep drill network --jobs $(or $(JOBS),1000) --workers $(or $(WORKERS),8) --liars $(or $(LIARS),1%) --seed $(SEED) --json

lab: setup anvil ## attack real daemons: SCENARIOS=a,b JSON=1 SEED=n LAB_DIR=folder (docs/lab.md)
	@$(BIN)/python -m tests.lab --seed $(SEED) $(if $(SCENARIOS),--scenarios $(SCENARIOS)) $(if $(JSON),--json)

bench: setup anvil circuits ## measure every figure that the README states
	@for benchmark in $(filter-out benchmarks/bars.py,$(wildcard benchmarks/[!_]*.py)); do \
		echo "== $$benchmark"; $(BIN)/python $$benchmark; done
	$(BIN)/python -m benchmarks.python_kernels
	$(BIN)/python -m benchmarks.real_programs $(if $(WORK),--work $(WORK))
	$(BIN)/python benchmarks/bars.py

gas: setup anvil ## measure gas on anvil and rewrite docs/gas.md, docs/availability-gas.md, docs/receipts-gas.md, docs/anchors-gas.md, docs/quorum-gas.md, docs/drawn-gas.md and a table of docs/data.md
	$(BIN)/python benchmarks/gas.py
	$(BIN)/python benchmarks/availability_gas.py
	$(BIN)/python benchmarks/data_choices.py
	$(BIN)/python benchmarks/receipts_gas.py
	$(BIN)/python benchmarks/anchors_gas.py
	$(BIN)/python benchmarks/quorum_gas.py
	$(BIN)/python benchmarks/drawn_gas.py

site: docs ## build the documentation as a site into site/, and check every link in it
	$(BIN)/zensical build --clean --strict
	$(BIN)/python -m tests.site site

docs: setup ## rewrite the generated pages: docs/cli.md
	$(BIN)/typer truestep.cli.main utils docs --name truestep --output docs/cli.md

vectors: setup ## rewrite the test vectors from the reference machine and the model of the protocol
	$(BIN)/python -m tests.vectors.generate

kzg-vectors: setup ## play the official vectors of KZG and cells, made by Ethereum's own generator; EVERY=1 makes every proof
	$(BIN)/python -m tests.commitments.kzg_vectors --every $(or $(EVERY),16)

verifiers: setup solc circuits ## make the templates of verifiers of circuits again, from bb and solc
	$(BIN)/python -m truestep.circuits.templates

rom: setup ## build the ROM of the float instructions and what depends on its root
	$(BIN)/python -m truestep.guest.rom
	$(MAKE) contracts

rom-proof: setup ## compare the ROM with hardware and reference at length (SEED=); write the table of docs/rom.md
	$(BIN)/python -m tests.rom.proof --seed $(SEED) --every-single --write

contracts: setup ## compile the Vyper contracts and rewrite the artifacts that ship in the wheel
	$(BIN)/python -m truestep.contracts.build

c-programs: setup ## build public C and C++ programs unchanged, natively and as guests, and compare; write docs/c-programs.md
	$(BIN)/python -m tests.c_programs $(if $(NAMES),$(NAMES),--write) $(if $(WORK),--work $(WORK))

one-liners: setup ## the share of lines of NumPy and Python that give the same values as guests; EVERY=5 samples
	$(BIN)/python -m tests.guest.one_liners --every $(or $(EVERY),1)

python-programs: setup ## build pieces of public Python as guests, compare them with NumPy, and write docs/python-programs.md
	$(BIN)/python -m tests.guest.python_programs

numba-suite: setup ## the share of Numba's own tests that guests pass; writes docs/numba-suite.md; EVERY=9 samples
	$(BIN)/python -m tests.guest.numba_suite --every $(or $(EVERY),1)

npm-package: ## compile packages/contracts with Hardhat and Foundry, both from npm (400 MB)
	cd packages/contracts && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	cd packages/contracts && npm run compile && npm test

format: setup ## format the code and fix what ruff can fix by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove everything that set-up and tests made
	rm -rf $(VENV) .anvil .solc .circuits packages/contracts/{node_modules,artifacts,cache,out} .hypothesis .pytest_cache .ruff_cache .import_linter_cache dist
