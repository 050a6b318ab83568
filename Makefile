# What people and CI run. Each target needs nothing but this repository; see `make help`.

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL: # one step after the other: they share an engine and a terminal
# A private Node, where scripts/ensure-node.sh had to fetch one.
export PATH := $(CURDIR)/.toolchain/node_modules/node/bin:$(PATH)

COMPOSE := scripts/compose.sh

.PHONY: help
help: ## Explain every target (this list)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: images ## Get what is missing, start the stack, exercise it once and print the URLs
	@$(COMPOSE) up --detach --no-build --wait --wait-timeout 120
	@$(COMPOSE) exec -T client client exercise
	@scripts/print-urls.sh

.PHONY: down
down: ## Remove what up made: containers, volumes, network
	@scripts/remove-stack.sh

.PHONY: clean
clean: down ## down, and remove the images that were built here
	@scripts/remove-images.sh

.PHONY: demo
demo: dependencies ## The same programs without Docker, as plain processes over the same sockets
	@npm run --silent demo

.PHONY: test
test: check e2e ## Set up, then check and the end-to-end tests

.PHONY: check
check: dependencies ## Format, lint, types and unit tests: what CI runs first
	@npm run --silent check
	@if [ "$$(id -u)" = 0 ]; then npm run --silent test:root; \
	else echo 'Not root: the tests that become other users were left out (sudo make check runs them).'; fi

.PHONY: stress
stress: dependencies ## Attack the bind protocol, and naive binding beside it, for some minutes
	@npm run --silent stress

.PHONY: interop
interop: dependencies ## The sidecar between servers and clients that nobody here wrote: gunicorn, uvicorn, nginx, Redis
	@scripts/ensure-interop-tools.sh
	@npm run --silent interop

.PHONY: mutants
mutants: dependencies images ## Break a copy of the product on purpose, once for each known fault, and see a test notice
	@npm run --silent mutants --workspace=e2e

.PHONY: e2e
e2e: dependencies images ## End-to-end tests alone, on real containers
	@npm test --silent --workspace=e2e

.PHONY: bench
bench: dependencies images ## Measure the sidecar beside its peers and draw docs/benchmarks.md; half an hour on a quiet machine
	@npm run --silent bench

.PHONY: images
images: engine ## Build the images, on base images that are pulled or stood in for
	@scripts/ensure-base-images.sh
	@scripts/build-images.sh

.PHONY: engine
engine: node ## Have a Docker engine that answers; one that is there is left as it is
	@scripts/ensure-engine.sh

.PHONY: dependencies
dependencies: node
	@scripts/ensure-dependencies.sh

.PHONY: node
node:
	@scripts/ensure-node.sh
