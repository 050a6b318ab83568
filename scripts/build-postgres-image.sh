#!/usr/bin/env bash
# Builds the image with PostgreSQL and psql for the end-to-end tests, from Debian's packages on the base image of Node.
# Unchanged layers come from the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
. scripts/setting.sh

version=$(setting UDS_SIDECAR_VERSION)
say 'postgres: building the image'
quietly 'The image with PostgreSQL could not be built. Fix the error below and run this again.' \
  docker build --file e2e/images/postgres.Dockerfile --tag "uds-sidecar/postgres:${version:-dev}" \
  --build-arg "NODE_IMAGE=$(setting NODE_IMAGE)" --secret "id=ca,src=$(scripts/find-ca-bundle.sh)" e2e/images
