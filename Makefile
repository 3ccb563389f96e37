# Flagline. `make help` lists the targets.
#
# Go is all that build, run and test need; test-npm alone wants more. The tools
# below are built on first use, into .bin, at the versions that stand here and
# nowhere else; they never enter go.mod.

GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION       := v0.12.0

GOLANGCI_LINT := .bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
GOFUMPT       := .bin/gofumpt-$(GOFUMPT_VERSION)

# How long each fuzz target runs, and which benchmarks.
FUZZTIME ?= 30s
BENCH    ?= .

# What is handed to every "go test".
TESTFLAGS ?= -timeout 15m

# Where test-npm writes what it found, as "go test -json" does; nowhere if empty.
RECORD ?=

# The modules of this repository: the product, and the clients of others that
# it is tested with (docs/decisions/0006).
MODULES := . $(patsubst %/go.mod,%,$(wildcard test/clients/go.mod test/compare/go.mod test/server/go.mod test/provider/go.mod))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

.PHONY: all
all: build vet test lint ## build, vet, test and lint: what a change has to pass

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: programs ## run everything on loopback in this terminal, with sample flags; takes ARGS
	bin/flagline dev $(ARGS)

.PHONY: build
build: programs ## build everything
	go build ./...

.PHONY: programs
programs: ## build the programs into bin
	go build -o bin/ ./cmd/...

.PHONY: vet
vet: ## run go vet over all modules
	@set -e; go vet ./.ci/summary; for dir in $(MODULES); do (cd $$dir && go vet ./...); done

.PHONY: test
test: ## run all tests; needs Go and nothing else
	@set -e; for dir in $(MODULES); do (cd $$dir && go test $(TESTFLAGS) ./...); done

.PHONY: test-npm
test-npm: ## run other people's JavaScript clients against the sidecar; needs Node.js 20, npm and Chromium
	cd test/npm && npm ci && node --test --test-timeout=180000 \
		--test-reporter=spec --test-reporter-destination=stdout \
		$(if $(RECORD),--test-reporter=./reporter.js --test-reporter-destination=$(abspath $(RECORD))) *.test.js

.PHONY: race
race: ## run all tests of our code with the race detector; needs a C compiler
	@set -e; for dir in $(filter-out test/clients,$(MODULES)); do (cd $$dir && CGO_ENABLED=1 go test -race $(TESTFLAGS) ./...); done

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run the linters of .golangci.yml over all modules
	@set -e; for dir in $(MODULES); do (cd $$dir && $(CURDIR)/$(GOLANGCI_LINT) run ./...); done

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## format the code: gofumpt, imports in three groups
	$(GOLANGCI_LINT) fmt

.PHONY: check-format
check-format: $(GOFUMPT) ## fail if a file is not formatted
	@unformatted=$$($(GOFUMPT) -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:" >&2; echo "$$unformatted" >&2; exit 1; fi

.PHONY: check-modules
check-modules: ## fail if "go mod tidy" would change a module
	@set -e; for dir in $(MODULES); do (cd $$dir && go mod tidy -diff); done

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (30s)
	@set -e; grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | \
	while IFS=: read -r file func; do \
		target=$${func#func }; \
		echo "$$(dirname $$file) $$target"; \
		found=0; said=$$(cd $$(dirname $$file) && \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x . 2>&1 </dev/null) || found=1; \
		echo "$$said"; \
		case "$$found$$said" in \
		1*"Failing input"*) exit 1 ;; \
		1*"context deadline exceeded"*) echo "its time was over in the middle of an input, which go test takes for a failure" ;; \
		1*) exit 1 ;; \
		esac; \
	done

.PHONY: mutants
mutants: ## break each rule of the protocol, and expect a test to notice
	.ci/mutants

.PHONY: engine-mutants
engine-mutants: ## put mistakes into the evaluator one at a time, and expect the comparison with flagd to notice
	go run ./internal/mutation/engine

.PHONY: bench
bench: ## run the benchmarks that match BENCH (all)
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: bench-compare
bench-compare: ## compare evaluation with flagd, others and hand-written code; writes bench/compare.json and docs/performance.*; takes ARGS
	cd test/compare && go run . $(ARGS)

.PHONY: bench-server
bench-server: ## compare the sidecar's server with flagd's and with floors; writes bench/server.json and docs/server-performance.md; takes ARGS
	cd test/server && go run . $(ARGS)

.PHONY: bench-provider
bench-provider: ## compare the provider with flagd's, GO Feature Flag's and a constant; writes bench/provider.json and docs/provider-performance.md; takes ARGS
	cd test/provider && go run . $(ARGS)

.PHONY: bench-distribution
bench-distribution: ## measure changes, first loads and doors; writes bench/*.json
	go run ./internal/bench/change
	go run ./internal/bench/firstload
	go run ./internal/bench/distribution

# What is generated, and compared, by tests.
GENERATED := go test ./cmd/flagline ./cmd/flagline-sidecar ./provider/flagd -run 'TestReferenceIsCurrent|TestScripts|TestNATSExamples' -count 1

.PHONY: generate
generate: ## write what is generated: docs/cli.md, docs/sidecar.md, docs/provider-settings.md, transcripts, examples/nats
	$(GENERATED) -update

.PHONY: check-generated
check-generated: ## fail if make generate would change something
	$(GENERATED)

.PHONY: ci
ci: ## do what CI does
	.ci/run

.PHONY: tools
tools: $(GOLANGCI_LINT) $(GOFUMPT) ## build the tools into .bin

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .bin test/npm/node_modules

$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .bin/golangci-lint $@

$(GOFUMPT):
	GOBIN=$(CURDIR)/.bin go install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
	mv .bin/gofumpt $@
