#!/usr/bin/env bash
# Prints the certificates this machine trusts. Builds get them as a secret: behind a proxy that intercepts TLS,
# npm in a container would trust nobody.
set -euo pipefail

for file in "${CA_BUNDLE:-}" "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
  if [ -n "$file" ] && [ -r "$file" ]; then
    realpath "$file"
    exit
  fi
done
echo /dev/null
