# Everything a person does with Sluice's source. Each goal installs what it lacks (Debian packages through .ci/need, Python packages into
# private virtual environments) and reuses what an earlier one built.

.DEFAULT_GOAL := help
.PHONY: help demo run test unit end-to-end promises soak sim kill-loop evidence fuzz kill-store crash-states store-faults store-model tamper store-promises store-speed report-bench bench bench-tls order image lint fmt shape tools probe

SWIFT ?= swift
PYTHON ?= /usr/bin/python3
POLICY ?= policies/quickstart
ROUNDS ?= 10
# Rounds of a kill loop are dear, those of a fuzz target are not.
FUZZ_ROUNDS := $(if $(filter-out file,$(origin ROUNDS)),$(ROUNDS),100000)
STATES ?= 2000
SEEDS ?= 5000
STEP ?= 1
REQUESTS ?= 10000
ENTRIES ?= 10000000
MINUTES ?= 30
FIRST ?= 1
ARGS ?=

# The imports of a target are checked against its declared dependencies, so that an arrow of the house cannot point up.
BUILD := $(SWIFT) build --explicit-target-dependency-import-check error
# With the Swift runtime inside: fourteen libraries fewer to link and to read at each start, and calls of the runtime that need no table.
OPTIMIZED := $(BUILD) -c release --static-swift-stdlib
DEBUG := .build/debug/sluice
RELEASE := .build/release/sluice
PROBE := .build/debug/sluice-store-probe
export PYTHON

help: ## says what each goal does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools ## starts Sluice on two simulated backends, sends traffic through it, shows where it went and what was saved
	$(BUILD) --product sluice
	$(DEBUG) demo $(ARGS)

run: tools ## serves POLICY (policies/quickstart) from a release build; ARGS="--data DIR" and the like are passed on
	$(OPTIMIZED) --product sluice
	$(RELEASE) serve --config $(POLICY) $(ARGS)

test: unit end-to-end ## builds and runs all tests: the Swift suites, then the real program with software that nobody here wrote

unit: tools ## builds and runs the Swift suites; ARGS="--filter Name" picks
	$(BUILD) --build-tests
	$(SWIFT) test --skip-build $(or $(ARGS),--skip PromiseTests)
	@# The promises of the store wait for programs that they kill: among other tests they would take the threads that those need.
	$(if $(ARGS),,$(SWIFT) test --skip-build --filter PromiseTests)
	@# Half the seeds on each of two cores.
	$(if $(ARGS),,$(BUILD) --product sluice-sim-probe)
	$(if $(ARGS),,.build/debug/sluice-sim-probe 2500 1 & half=$$!; .build/debug/sluice-sim-probe 2500 2501 && wait $$half)

end-to-end: tools ## runs the end-to-end tests; ONLY="kill openai" picks cases by the beginning of their names
	@.ci/need "for the tests' virtual environments" python3 python3-venv
	$(BUILD) --product sluice
	Tests/EndToEnd/environments
	$(PYTHON) Tests/EndToEnd/run.py --rounds $(ROUNDS) $(ONLY)

promises: tools ## runs the cases of promises P13 to P34 with their full counts, which takes hours; ONLY="P25" picks
	$(OPTIMIZED) --product sluice
	SLUICE=$(RELEASE) $(PYTHON) Tests/EndToEnd/run.py --full $(or $(ONLY),P)

soak: tools ## mixed load with faults for MINUTES (30); fails unless memory, file descriptors and the write-ahead log stay where they are
	$(OPTIMIZED) --product sluice
	SLUICE=$(RELEASE) SLUICE_TEST_MINUTES=$(MINUTES) $(PYTHON) Tests/EndToEnd/run.py soak

sim: tools ## plays SEEDS (5000) worlds around the dispatcher in virtual time from seed FIRST (1), then the planted faults, each of which must be found
	$(OPTIMIZED) --product sluice-sim-probe
	.build/release/sluice-sim-probe $(SEEDS) $(FIRST)
	.build/release/sluice-sim-probe mutants

kill-loop: ## kills a loaded router ROUNDS times and counts what it lost
	@$(MAKE) --no-print-directory end-to-end ONLY=kill ROUNDS=$(ROUNDS)

fuzz: tools ## mutates inputs of every reader of foreign bytes: ROUNDS each (100000), ARGS="head --seed 7" picks; JSON texts against Python's parser too
	$(OPTIMIZED) --product sluice-fuzz-probe
	.build/release/sluice-fuzz-probe --rounds $(FUZZ_ROUNDS) $(ARGS)
	.build/release/sluice-fuzz-probe --bodies --rounds $(FUZZ_ROUNDS) | $(PYTHON) Tests/FuzzProbe/agree.py

store-promises: kill-store crash-states store-faults store-model tamper ## all that is promised of the store, with the figures of a release; hours, so not part of `make test`

kill-store: ROUNDS = 200
kill-store: probe ## kills a writing store ROUNDS (200) times and counts the acknowledged things it lost
	$(PROBE) kills $(ROUNDS)

crash-states: probe ## cuts the power at STATES (2000) moments, then 300 times without the syncs, where that must be seen to lose commits
	@.ci/need "to watch what is written" strace
	$(PROBE) replay $(STATES) full $$(date +%s)
	$(PROBE) replay 300 normal $$(date +%s)

store-faults: probe ## fails every STEP-th (1) write and sync with EIO and ENOSPC, and kills a migration at each
	@.ci/need "to make calls fail" strace
	$(PROBE) faults $(STEP)
	$(PROBE) migrations Tests/SluiceSQLiteTests/Fixtures/schema-3.sql $(STEP)

store-model: probe ## plays SEEDS (5000) orders of workers, cancels and late answers against a model; starts pairs of processes on one folder
	$(PROBE) simulate $(SEEDS) $$(date +%s)
	$(PROBE) starts 50

tamper: ROUNDS = 1000
tamper: tools ## changes a byte of a row ROUNDS (1000) times, in an export and in the file of a ledger, and counts how often `audit verify` sees it
	$(OPTIMIZED) --product sluice
	$(OPTIMIZED) --product sluice-store-probe
	.build/release/sluice-store-probe tamper $(ROUNDS) $$(date +%s)

probe: tools
	$(BUILD) --product sluice-store-probe

store-speed: tools ## prints how fast jobs are stored, claimed and completed and files are taken in, and fails where a figure is missed
	$(OPTIMIZED) --product sluice-store-probe
	.build/release/sluice-store-probe jobs
	$(OPTIMIZED) --product sluice
	SLUICE=$(RELEASE) $(PYTHON) Tests/EndToEnd/run.py --full intake-speed

evidence: ## sends REQUESTS (10000) mixed requests through failures and ten kills, and holds the ledger against the backends' own count
	@SLUICE_TEST_REQUESTS=$(REQUESTS) SLUICE_TEST_KILLS=10 $(MAKE) --no-print-directory end-to-end ONLY=P4-under-fire

report-bench: tools ## fills a ledger with ENTRIES (10000000) and prints how long reports over it take, and what memory an export does
	$(OPTIMIZED) --product sluice
	$(OPTIMIZED) --product sluice-store-probe
	.build/release/sluice-store-probe report .build/release/sluice $(ENTRIES)

bench: tools ## measures a release build beside nginx on the same core and prints one table (docs/performance.md)
	@.ci/need "for the bench rig" gcc libc6-dev curl util-linux nginx
	$(OPTIMIZED) --product sluice
	Benchmarks/rig/bench $(ARGS)

bench-tls: tools ## the same over TLS: Sluice with an https backend beside nginx with proxy_pass https
	@.ci/need "for the bench rig" gcc libc6-dev curl util-linux nginx openssl
	$(OPTIMIZED) --product sluice
	TLS=1 Benchmarks/rig/bench $(ARGS)

order: tools ## finds the functions that requests run through, for the linker to lay beside each other (Sources/sluice/symbols.order)
	@.ci/need "for the bench rig" gcc libc6-dev curl util-linux linux-perf
	$(OPTIMIZED) --product sluice
	Benchmarks/rig/order.sh > .bench/symbols.order
	mv .bench/symbols.order Sources/sluice/symbols.order

image: tools ## builds the container image from a release build, without a daemon, and runs it
	$(OPTIMIZED) --product sluice
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
