#!/usr/bin/env bash
# Builds the image of every service, as the Dockerfile says. Prints the build's output only if it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

say 'images: building (unchanged layers come from the cache)'
quietly 'The images could not be built. Fix the error below and run this again.' \
  scripts/compose.sh --profile observability build
