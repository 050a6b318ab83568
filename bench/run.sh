#!/usr/bin/env bash
# Builds the bench image, runs its suites, then the suite that needs the container engine, and generates from the results
# docs/benchmarks.md, its charts and docs/benchmark-targets.md.
# BENCH_SUITES, BENCH_CANDIDATES and BENCH_ROUNDS select what is measured; see bench/src/settings.ts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

say 'bench: building the image'
quietly 'The image was not built. Fix the error that the build prints below, then run this again.' \
  scripts/compose.sh -f bench/compose.yaml build
scripts/compose.sh -f bench/compose.yaml run --rm -T bench </dev/null
node bench/src/engine/main.ts
npx --no-install biome format --write --log-level=error bench/results # for readable diffs
node bench/src/report/main.ts
