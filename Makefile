# Targets for people. What they do in detail stands in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help

TARGETS ?= demo

.PHONY: help
help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the Collector with all components: bin/otelcol-custom
	@scripts/build.sh otelcol-custom

.PHONY: build-slim
build-slim: ## build the Collector with what tracing one machine needs: bin/otelcol-custom-slim
	@scripts/build.sh otelcol-custom-slim

.PHONY: run
run: build-slim ## trace a small demo system and print its traces (TARGETS=all: the whole machine)
	@scripts/demo.sh --targets $(TARGETS)

.PHONY: demo
demo: build-slim ## the same with nginx, gunicorn, PostgreSQL and Redis
	@scripts/demo.sh --targets $(TARGETS) --system stack

.PHONY: test
test: ## set up what the tests need and run all of them (as root: they trace real programs)
	@scripts/test.sh

.PHONY: bench
bench: ## measure what a request costs in each hook and each stage (as root; ARGS=--help)
	@scripts/measure.sh bench $(ARGS)

.PHONY: overhead
overhead: ## measure what tracing costs programs under load (as root; ARGS=--help)
	@scripts/measure.sh overhead $(ARGS)

.PHONY: accuracy
accuracy: build-slim ## measure the accuracy: every scenario under every load (45 minutes; ARGS=--resume goes on with one begun)
	@. scripts/lib.sh && go run ./testbed accuracy --install $(ARGS)

.PHONY: lint
lint: ## check import directions, documentation, lengths, format
	@scripts/lint.sh

.PHONY: kernels
kernels: ## boot Debian's kernels in an emulator and trace there
	@scripts/kernels.sh

.PHONY: bench-tail
bench-tail: ## measure the tail hook beside tail_sampling, and kill a Collector under load
	@scripts/bench-tail.sh

.PHONY: generate
generate: ## regenerate what is generated and committed (installs clang)
	@scripts/generate.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .cache .run
