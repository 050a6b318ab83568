#!/usr/bin/env bash
# Builds the image of every service. Quiet when all goes well: what is built is in the Dockerfile.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

say 'images: building (nothing to do where nothing has changed)'
quietly 'The images could not be built; repair what the build says below and run this again.' \
  scripts/compose.sh --profile observability build
