#!/usr/bin/env bash
# Runs npm ci, but only when what it would install has changed. The stamp lies in node_modules, which npm ci
# removes first: an install that was cut short leaves none, and the next run starts over.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

stamp=node_modules/.uds-sidecar-installed

# The lock, the workspaces that are linked in, and the Node that native parts were chosen for.
wanted=$({
  node --version
  uname -sm
  cksum package-lock.json package.json .npmrc ./*/package.json services/*/package.json
})

[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

say 'npm: installing dependencies (package-lock.json)'
export NODE_EXTRA_CA_CERTS
NODE_EXTRA_CA_CERTS=$(scripts/find-ca-bundle.sh)
quietly 'npm ci failed; repair what it says below and run this again.' npm ci --ignore-scripts
echo "$wanted" >"$stamp"
