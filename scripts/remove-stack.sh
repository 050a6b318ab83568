#!/usr/bin/env bash
# Removes the whole stack, all profiles: containers, volumes, network.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

if ! docker info >/dev/null 2>&1; then
  say 'no Docker engine runs: nothing to remove'
  exit 0
fi
exec scripts/compose.sh --profile observability down --volumes --remove-orphans
