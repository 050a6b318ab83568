#!/usr/bin/env bash
# Leaves a Docker engine that answers, because everything here runs in containers. One that is there stays
# exactly as it is; only where there is none at all, and this is Debian and root, is one installed and started.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

local_socket=unix:///var/run/docker.sock

# 0: answers. Otherwise $problem says why not.
engine_answers() { problem=$(docker info --format '{{.ServerVersion}}' 2>&1 >/dev/null); }

# Nobody listens, the only state in which it is right to start an engine.
engine_is_absent() {
  case $problem in
    *'Is the docker daemon running'* | *'annot connect to the Docker daemon'* | *'command not found'*) true ;;
    *) false ;;
  esac
}

endpoint() {
  if [ -n "${DOCKER_HOST:-}" ]; then
    echo "$DOCKER_HOST"
  elif command -v docker >/dev/null; then
    docker context inspect --format '{{.Endpoints.docker.Host}}'
  else
    echo "$local_socket"
  fi
}

# What the Dockerfile and compose.yaml ask for: health checks that start fast, build secrets, Compose v2.
check_version() {
  local version
  version=$(docker version --format '{{.Server.Version}}')
  # A development build has no number.
  [[ ! $version =~ ^[0-9] ]] || [ "${version%%.*}" -ge 25 ] ||
    fail "Docker engine $version is too old: upgrade it to 25 or newer and run this again."
  docker compose version >/dev/null 2>&1 ||
    fail 'Docker has no Compose v2: install its plugin (docker-compose-plugin, Debian 13: docker-compose) and run this again.'
  docker buildx version >/dev/null 2>&1 ||
    fail 'Docker has no buildx: install its plugin (docker-buildx-plugin, Debian 13: docker-buildx) and run this again.'
}

if engine_answers; then
  check_version
  exit 0
fi

case $problem in
  *'permission denied'*)
    fail "The Docker engine refuses $(id -un): permission denied. Run this as root, or join the group that" \
      "owns its socket (usually: sudo usermod -aG docker $(id -un), then log in again)."
    ;;
esac
engine_is_absent || fail "The Docker engine answers with an error; repair it and run this again: $problem"
[ "$(endpoint)" = "$local_socket" ] ||
  fail "No Docker engine answers at $(endpoint). Start it, or point DOCKER_HOST or 'docker context use' elsewhere."

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
  scripts/install-engine.sh
fi
scripts/start-engine.sh
