#!/usr/bin/env bash
# Prints the URLs of the running stack. Asks the engine for them, because .env may change ports and address.
set -euo pipefail
cd "$(dirname "$0")/.."

# published SERVICE PORT: prints the published address; nothing if the service does not run.
published() { scripts/compose.sh port "$1" "$2" 2>/dev/null | sed 's/^0\.0\.0\.0:/127.0.0.1:/'; }

line() {
  local address
  address=$(published "$2" "$3") || return 0
  if [ -n "$address" ]; then printf '  %-12s %s\n' "$1" "$4$address$5"; fi
}

echo
echo 'The stack is up:'
line metrics sidecar 9464 https:// /metrics
line api sidecar 8080 http:// /status
line api sidecar 8443 https:// /status
line echo sidecar 7070 tcp:// ''
line operations sidecar 9901 http:// /
line prometheus prometheus 9090 http:// /targets
