#!/usr/bin/env bash
# Runs npm ci, but only if what it would install has changed. The stamp is in node_modules, which npm ci removes
# first: an interrupted install leaves no stamp, so the next run starts again.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

stamp=node_modules/.uds-sidecar-installed

# The lock file, the linked workspaces, and the Node for which native packages were chosen.
wanted=$({
  node --version
  uname -sm
  cksum package-lock.json package.json .npmrc ./*/package.json services/*/package.json
})

[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

say 'npm: installing dependencies (package-lock.json)'
export NODE_EXTRA_CA_CERTS
NODE_EXTRA_CA_CERTS=$(scripts/find-ca-bundle.sh)
quietly 'npm ci failed. Fix the error below and run this again.' npm ci --ignore-scripts
echo "$wanted" >"$stamp"
