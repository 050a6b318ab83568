#!/usr/bin/env bash
# Runs docker compose with the base images that scripts/ensure-base-images.sh chose, and with the current revision.
# .env and the environment take precedence.
set -euo pipefail
cd "$(dirname "$0")/.."

files=()
for file in .toolchain/images.env .env; do
  if [ -f "$file" ]; then files+=(--env-file "$file"); fi
done

export UDS_SIDECAR_REVISION=${UDS_SIDECAR_REVISION:-$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)}
exec docker compose ${files[@]+"${files[@]}"} "$@"
