#!/usr/bin/env bash
# Builds the image in which `make systemd` tests the units of deploy/systemd: systemd from Debian's packages, on the
# base image of Node, with the bundles of the images that `make images` built. Unchanged layers come from the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
. scripts/setting.sh

version=$(setting UDS_SIDECAR_VERSION)
version=${version:-dev}
say 'systemd: building the image'
quietly 'The image with systemd could not be built. Fix the error below and run this again.' \
  docker build --file deploy/systemd/Dockerfile --tag "uds-sidecar/systemd:$version" \
  --build-arg "NODE_IMAGE=$(setting NODE_IMAGE)" \
  --build-arg "APP_IMAGE=uds-sidecar/app:$version" --build-arg "SIDECAR_IMAGE=uds-sidecar/sidecar:$version" \
  --secret "id=ca,src=$(scripts/find-ca-bundle.sh)" deploy/systemd
