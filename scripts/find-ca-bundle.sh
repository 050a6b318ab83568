#!/usr/bin/env bash
# Prints the file of the certificates this machine trusts, for what brings its own list: behind a proxy that
# intercepts TLS, npm would trust nobody, and in a build even less.
set -euo pipefail

for file in "${CA_BUNDLE:-}" "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
  if [ -n "$file" ] && [ -r "$file" ]; then
    realpath "$file"
    exit
  fi
done
echo /dev/null
