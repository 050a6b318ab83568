#!/usr/bin/env bash
# Installs the third-party servers and clients with which `make interop` tests the sidecar. Installed ones are left
# unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

declare -A package=(
  [curl]=curl [gunicorn]=gunicorn [uvicorn]=uvicorn [nginx]=nginx-light [wrk]=wrk [h2load]=nghttp2-client
  [redis-server]=redis-server [redis-cli]=redis-tools [ab]=apache2-utils [uwsgi]=uwsgi-plugin-python3 [openssl]=openssl
  [haproxy]=haproxy [python3]=python3 [java]=default-jdk-headless [psql]=postgresql-client [pg_ctlcluster]=postgresql
)

missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  fail "Install these programs and run this again: ${missing[*]} (Debian package names)."
fi
say "interop: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# The test starts a PostgreSQL of its own; without this the package would start one too.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
quietly 'apt could not install them. Fix the error below and run this again.' \
  sh -c "apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
