# Everything a person does with Sluice's source. Each goal installs what it lacks (Debian packages through .ci/need, Python packages into
# private virtual environments) and reuses what an earlier one built.

.DEFAULT_GOAL := help
.PHONY: help demo run test unit end-to-end promises kill-loop fuzz bench image lint fmt shape tools

SWIFT ?= swift
PYTHON ?= /usr/bin/python3
POLICY ?= policies/quickstart
ROUNDS ?= 10
# Rounds of a kill loop are dear, those of a fuzz target are not.
FUZZ_ROUNDS := $(if $(filter-out file,$(origin ROUNDS)),$(ROUNDS),100000)
ARGS ?=

# The imports of a target are checked against its declared dependencies, so that an arrow of the house cannot point up.
BUILD := $(SWIFT) build --explicit-target-dependency-import-check error
DEBUG := .build/debug/sluice
RELEASE := .build/release/sluice
export PYTHON

help: ## says what each goal does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools ## starts Sluice on two simulated backends, sends traffic through it, shows where it went and what was saved
	$(BUILD) --product sluice
	$(DEBUG) demo $(ARGS)

run: tools ## serves POLICY (policies/quickstart) from a release build; ARGS="--data DIR" and the like are passed on
	$(BUILD) -c release --product sluice
	$(RELEASE) serve --config $(POLICY) $(ARGS)

test: unit end-to-end ## builds and runs all tests: the Swift suites, then the real program with software that nobody here wrote

unit: tools ## builds and runs the Swift suites; ARGS="--filter Name" picks
	$(BUILD) --build-tests
	$(SWIFT) test --skip-build $(ARGS)

end-to-end: tools ## runs the end-to-end tests; ONLY="kill openai" picks cases by the beginning of their names
	@.ci/need "for the tests' virtual environments" python3 python3-venv
	$(BUILD) --product sluice
	Tests/EndToEnd/environments
	$(PYTHON) Tests/EndToEnd/run.py --rounds $(ROUNDS) $(ONLY)

promises: tools ## runs the cases of promises P13 to P33 with their full counts, which takes hours; ONLY="P25" picks
	$(BUILD) -c release --product sluice
	SLUICE=$(RELEASE) $(PYTHON) Tests/EndToEnd/run.py --full $(or $(ONLY),P)

kill-loop: ## kills a loaded router ROUNDS times and counts what it lost
	@$(MAKE) --no-print-directory end-to-end ONLY=kill ROUNDS=$(ROUNDS)

fuzz: tools ## mutates inputs of every reader of foreign bytes: ROUNDS each (100000), ARGS="head --seed 7" picks; JSON texts against Python's parser too
	$(BUILD) -c release --product sluice-fuzz-probe
	.build/release/sluice-fuzz-probe --rounds $(FUZZ_ROUNDS) $(ARGS)
	.build/release/sluice-fuzz-probe --bodies --rounds $(FUZZ_ROUNDS) | $(PYTHON) Tests/FuzzProbe/agree.py

bench: tools ## measures a release build beside nginx on the same core and prints one table (docs/performance.md)
	@.ci/need "for the bench rig" gcc libc6-dev curl util-linux nginx
	$(BUILD) -c release --product sluice
	Benchmarks/rig/bench $(ARGS)

image: tools ## builds the container image from a release build, without a daemon, and runs it
	$(BUILD) -c release --product sluice
	docker/test.sh

lint: tools ## checks format, imports and the rules of shape
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests
	$(BUILD) --product sluice
	.ci/shape --sluice $(DEBUG)

fmt: ## formats the Swift sources in place
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests

tools:
	@.ci/need "to build Sluice" git pkg-config libcurl4-openssl-dev libsqlite3-dev tzdata
	@command -v $(SWIFT) >/dev/null || { echo "make: needs the Swift 6.3 toolchain (swift.org/install) on the PATH" >&2; exit 1; }
