#!/usr/bin/env bash
# Removes the images that this repository built, and the record of their base images. Pulled images stay.
set -euo pipefail
cd "$(dirname "$0")/.."

docker info >/dev/null 2>&1 || exit 0
images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' 'uds-sidecar/*')
if [ -n "$images" ]; then
  # shellcheck disable=SC2086 # one argument per image
  docker image rm --force $images >/dev/null
fi
docker image prune --force --filter label=io.uds-sidecar.built=here >/dev/null
rm -rf .toolchain/images.env .toolchain/places
