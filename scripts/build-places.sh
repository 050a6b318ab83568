#!/usr/bin/env bash
# Builds the images that stand for machines in `make places`, and saves the images of `make images` in one file, which all
# of those machines load. Both are left alone where nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

saved=.toolchain/places

. scripts/setting.sh

version=$(setting UDS_SIDECAR_VERSION)
version=${version:-dev}
node_image=$(setting NODE_IMAGE)

# build NAME: deploy/support/NAME.Dockerfile, which needs no files.
build() {
  mkdir -p .toolchain/empty
  quietly "The image with $1 could not be built. Fix the error below and run this again." \
    docker build --file "deploy/support/$1.Dockerfile" --tag "uds-sidecar/$1:$version" \
    --build-arg "NODE_IMAGE=${node_image:-node:26.10-trixie-slim}" \
    --secret "id=ca,src=$(scripts/find-ca-bundle.sh)" .toolchain/empty
}

save() {
  local images=() wanted
  for name in app sidecar client redis prometheus certificates; do images+=("uds-sidecar/$name:$version"); done
  wanted=$(docker image inspect --format '{{.RepoTags}} {{.Id}}' "${images[@]}")
  [ "$(cat "$saved/stamp" 2>/dev/null)" = "$wanted" ] && return
  mkdir -p "$saved"
  rm -f "$saved/stamp"
  docker save --output "$saved/images.tar" "${images[@]}"
  echo "$wanted" >"$saved/stamp"
}

say 'places: building the images that stand for machines'
build podman
build engine
build quadlet
scripts/build-systemd-image.sh
say 'places: saving the images that they load'
save
