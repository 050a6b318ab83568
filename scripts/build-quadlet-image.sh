#!/usr/bin/env bash
# Builds the image in which `make quadlet` tests the units of deploy/quadlet: systemd and podman from Debian's packages,
# on the base image of Node. Unchanged layers come from the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
. scripts/setting.sh

version=$(setting UDS_SIDECAR_VERSION)
say 'quadlet: building the image'
quietly 'The image with podman could not be built. Fix the error below and run this again.' \
  docker build --tag "uds-sidecar/quadlet:${version:-dev}" --build-arg "NODE_IMAGE=$(setting NODE_IMAGE)" \
  --secret "id=ca,src=$(scripts/find-ca-bundle.sh)" deploy/quadlet
