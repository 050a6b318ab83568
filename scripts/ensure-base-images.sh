#!/usr/bin/env bash
# Chooses each base image and makes sure that this machine has it: the one that you name (environment or .env), else
# the official one, else, if no registry is reachable, a stand-in made of Debian's packages. Writes the choice to
# .toolchain/images.env, which scripts/compose.sh reads.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

choice=.toolchain/images.env
registry_responds=yes
pull_error=

present() { docker image inspect "$1" >/dev/null 2>&1; }

# The value VARIABLE has in an env file, without quotes.
value_in() { [ ! -f "$1" ] || sed -n "s/^$2=//p" "$1" | tail -n 1 | tr -d "\"'"; }

# The Dockerfile's defaults are the official images.
official() { sed -n "s/^ARG $1=//p" Dockerfile; }

stand_in() {
  case $1 in
    NODE_IMAGE) echo uds-sidecar/base-node:26 ;;
    REDIS_IMAGE) echo uds-sidecar/base-redis:8 ;;
    PROMETHEUS_IMAGE) echo uds-sidecar/base-prometheus:2 ;;
  esac
}

# With a time limit: behind some firewalls a connection to a registry hangs.
pull() {
  local bound=()
  if command -v timeout >/dev/null; then bound=(timeout 300); fi
  say "images: pulling $1"
  if pull_error=$(${bound[@]+"${bound[@]}"} docker pull --quiet "$1" 2>&1 </dev/null); then return; fi
  registry_responds=no
  return 1
}

# Sets $image.
choose() {
  local variable=$1 recorded
  recorded=$(value_in "$choice" "$variable")
  for image in "$recorded" "$(official "$variable")" "$(stand_in "$variable")"; do
    if [ "$image" = "$(official "$variable")" ] || [ "$image" = "$(stand_in "$variable")" ]; then
      present "$image" && return
    fi
  done
  image=$(official "$variable")
  if [ "$registry_responds" = yes ] && pull "$image"; then return; fi
  say "images: cannot pull $image; building a stand-in from Debian's packages"
  PULL_ERROR=$pull_error OFFICIAL=$image scripts/build-stand-in.sh "$variable" "$(stand_in "$variable")"
  image=$(stand_in "$variable")
}

mkdir -p .toolchain
lines="CA_BUNDLE=$(scripts/find-ca-bundle.sh)"
for variable in NODE_IMAGE REDIS_IMAGE PROMETHEUS_IMAGE; do
  if [ -n "${!variable:-$(value_in .env "$variable")}" ]; then continue; fi
  choose "$variable"
  lines+=$'\n'$variable=$image
done
printf '%s\n' "# Written by scripts/ensure-base-images.sh; the environment and .env take precedence." "$lines" >"$choice"
