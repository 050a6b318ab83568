#!/usr/bin/env bash
# Removes the images that were built here, and the note of which base images they stand on. Images that were
# pulled stay.
set -euo pipefail
cd "$(dirname "$0")/.."

docker info >/dev/null 2>&1 || exit 0
images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' 'uds-sidecar/*')
if [ -n "$images" ]; then
  # shellcheck disable=SC2086 # one argument an image
  docker image rm --force $images >/dev/null
fi
docker image prune --force --filter label=io.uds-sidecar.built=here >/dev/null
rm -f .toolchain/images.env
