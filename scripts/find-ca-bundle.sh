#!/usr/bin/env bash
# Prints the path of the certificates that this machine trusts, for programs with a list of their own. Behind a proxy
# that intercepts TLS, npm needs them, on this machine and in a build.
set -euo pipefail

for file in "${CA_BUNDLE:-}" "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
  if [ -n "$file" ] && [ -r "$file" ]; then
    realpath "$file"
    exit
  fi
done
echo /dev/null
