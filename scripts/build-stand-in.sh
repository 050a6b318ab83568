#!/usr/bin/env bash
# Builds the image TAG, which replaces the official image of VARIABLE if no registry is reachable: Debian trixie from
# this machine's mirror, with Redis or Prometheus from Debian's packages, or Node and npm from npm.
# Usage: build-stand-in.sh VARIABLE TAG
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

variable=$1
tag=$2
debian=uds-sidecar/base-debian:trixie
node_version=26.10.0
npm_version=11.19.1

if ! grep -qx 'ID=debian' /etc/os-release 2>/dev/null || [ "$(id -u)" -ne 0 ]; then
  fail "Cannot pull the base image ${OFFICIAL:-for $variable}, and a stand-in can only be built on Debian, as root." \
    "Make the registry reachable, or set $variable in .env to an image that you have. The error of the pull: ${PULL_ERROR:-none}"
fi

import_debian() {
  export DEBIAN_FRONTEND=noninteractive
  command -v mmdebstrap || apt-get install -yq --no-install-recommends -o DPkg::Lock::Timeout=120 mmdebstrap ||
    { apt-get update -q && apt-get install -yq --no-install-recommends mmdebstrap; }

  local mirror image
  mirror=$(scripts/debian-mirror.sh)
  # Like the official slim image: no manuals, no translations. Node also needs libatomic1.
  image=$(mmdebstrap --variant=minbase --include=libatomic1 \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    trixie - "$mirror" | docker import --change 'CMD ["bash"]' --change 'LABEL io.uds-sidecar.built=here' -)
  # Tag it only now: a broken pipe would leave an incomplete image.
  docker tag "$image" "$debian"
}

# Node's binary and npm from npm packages, at the same paths as in the official image.
fetch_node() {
  local context=$1 platform
  platform=linux-$(node -p process.arch)
  rm -rf "$context"
  mkdir -p "$context"/{bin,lib/node_modules/npm}
  NODE_EXTRA_CA_CERTS=$(scripts/find-ca-bundle.sh) npm pack --silent --pack-destination "$context" "node-$platform@$node_version" "npm@$npm_version"
  tar -xzf "$context/node-$platform-$node_version.tgz" -C "$context" --strip-components=1 package/bin/node
  tar -xzf "$context/npm-$npm_version.tgz" -C "$context/lib/node_modules/npm" --strip-components=1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$context/bin/npm"
  rm "$context"/*.tgz
}

build() {
  local target=$1 context=$2
  docker build --quiet --file scripts/stand-ins.Dockerfile --target "$target" --tag "$tag" \
    --build-arg "DEBIAN=$debian" --secret "id=ca,src=$(scripts/find-ca-bundle.sh)" "$context"
}

build_from_packages() {
  local empty=.toolchain/empty
  mkdir -p "$empty"
  build "$1" "$empty"
}

build_node() {
  local context=.toolchain/base-node
  fetch_node "$context"
  build node "$context"
  rm -rf "$context"
}

failed='The stand-in for a base image could not be built. Fix the error below and run this again.'
docker image inspect "$debian" >/dev/null 2>&1 || quietly "$failed" import_debian
case $variable in
  NODE_IMAGE) quietly "$failed" build_node ;;
  REDIS_IMAGE) quietly "$failed" build_from_packages redis ;;
  PROMETHEUS_IMAGE) quietly "$failed" build_from_packages prometheus ;;
  *) fail "usage: build-stand-in.sh NODE_IMAGE|REDIS_IMAGE|PROMETHEUS_IMAGE TAG" ;;
esac
