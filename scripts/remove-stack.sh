#!/usr/bin/env bash
# Removes the stack with everything in it: containers, volumes, network, of all profiles.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

if ! docker info >/dev/null 2>&1; then
  say 'no Docker engine answers: nothing to remove'
  exit 0
fi
exec scripts/compose.sh --profile observability down --volumes --remove-orphans
