#!/usr/bin/env bash
# Builds the image that measures, runs it and then what needs the engine itself, and generates docs/benchmarks.md and its
# charts from what they found.
# BENCH_SUITES, BENCH_CANDIDATES and BENCH_ROUNDS narrow it down; see bench/src/settings.ts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

say 'bench: building the image'
quietly 'The image could not be built; repair what the build says below and run this again.' \
  scripts/compose.sh -f bench/compose.yaml build
scripts/compose.sh -f bench/compose.yaml run --rm -T bench </dev/null
node bench/src/engine/main.ts
npx --no-install biome format --write --log-level=error bench/results # so that a diff can be read
node bench/src/report/main.ts
