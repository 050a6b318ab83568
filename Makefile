# What people and CI run. Each target installs what it needs; see `make help`.

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL: # the steps share an engine and a terminal
# The private Node, if scripts/ensure-node.sh had to download one.
export PATH := $(CURDIR)/.toolchain/node_modules/node/bin:$(PATH)

COMPOSE := scripts/compose.sh

.PHONY: help
help: ## Explain every target (this list)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: images ## Install what is missing, start the stack, exercise it once and print the URLs
	@$(COMPOSE) up --detach --no-build --wait --wait-timeout 120
	@$(COMPOSE) exec -T client client exercise
	@scripts/print-urls.sh

.PHONY: down
down: ## Remove the stack: containers, volumes, network
	@scripts/remove-stack.sh

.PHONY: clean
clean: down ## down, and remove the images that make built
	@scripts/remove-images.sh

.PHONY: demo
demo: dependencies ## Run the same programs without Docker, as plain processes over the same sockets
	@npm run --silent demo

.PHONY: test
test: check e2e ## check, and the end-to-end tests

.PHONY: check
check: dependencies ## Format, lint, types and unit tests
	@npm run --silent check
	@if [ "$$(id -u)" = 0 ]; then npm run --silent test:root; \
	else echo 'Not root: skipped the tests that become other users (sudo make check runs them).'; fi

.PHONY: stress
stress: dependencies ## Stress the bind protocol, and naive binding for comparison, for some minutes
	@npm run --silent stress

.PHONY: interop
interop: dependencies ## Test the sidecar with third-party servers and clients: gunicorn, uWSGI, nginx, Redis, curl and more
	@scripts/ensure-interop-tools.sh
	@npm run --silent interop

.PHONY: systemd
systemd: dependencies images ## Test the units of deploy/systemd under a real systemd, in containers
	@scripts/build-systemd-image.sh
	@npm run --silent systemd

.PHONY: quadlet
quadlet: dependencies images ## Test the units of deploy/quadlet under a real systemd and podman, in a container
	@scripts/build-quadlet-image.sh
	@npm run --silent quadlet

.PHONY: mutants
mutants: dependencies images ## Put each known fault into a copy of the product, and check that a test fails
	@npm run --silent mutants --workspace=e2e

.PHONY: e2e
e2e: dependencies images browser ## End-to-end tests only, on real containers
	@scripts/build-postgres-image.sh
	@npm test --silent --workspace=e2e

.PHONY: screenshots
screenshots: dependencies images browser ## Take the pictures of docs/screenshots of a real stack; seven minutes
	@npm run --silent screenshots --workspace=e2e

.PHONY: bench
bench: dependencies images ## Compare the sidecar with other proxies and write docs/benchmarks.md; half an hour on an idle machine
	@npm run --silent bench

.PHONY: images
images: engine ## Build the images; where no registry is reachable, on base images made of Debian packages
	@scripts/ensure-base-images.sh
	@scripts/build-images.sh

.PHONY: browser
browser:
	@scripts/ensure-browser.sh

.PHONY: engine
engine: node ## Install and start a Docker engine, unless one runs already
	@scripts/ensure-engine.sh

.PHONY: dependencies
dependencies: node
	@scripts/ensure-dependencies.sh

.PHONY: node
node:
	@scripts/ensure-node.sh
