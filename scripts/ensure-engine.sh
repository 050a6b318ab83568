#!/usr/bin/env bash
# Makes sure that a Docker engine runs. An existing engine is left unchanged. If there is none, and this is Debian and
# root, installs one and starts it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

local_socket=unix:///var/run/docker.sock

# Returns 0 if the engine responds. Otherwise sets $problem to the error.
engine_responds() { problem=$(docker info --format '{{.ServerVersion}}' 2>&1 >/dev/null); }

# No engine is running: only then may we start one.
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

# What the Dockerfile and compose.yaml need: start_interval of health checks, build secrets, Compose v2.
check_version() {
  local version
  version=$(docker version --format '{{.Server.Version}}')
  # A development build has no version number.
  [[ ! $version =~ ^[0-9] ]] || [ "${version%%.*}" -ge 25 ] ||
    fail "Docker engine $version is too old. Upgrade it to 25 or later and run this again."
  docker compose version >/dev/null 2>&1 ||
    fail 'Docker Compose v2 is missing. Install the plugin (docker-compose-plugin; on Debian 13: docker-compose) and run this again.'
  docker buildx version >/dev/null 2>&1 ||
    fail 'Docker buildx is missing. Install the plugin (docker-buildx-plugin; on Debian 13: docker-buildx) and run this again.'
}

if engine_responds; then
  check_version
  exit 0
fi

case $problem in
  *'permission denied'*)
    fail "Permission denied: $(id -un) may not connect to the Docker engine. Run this as root, or join the group of its" \
      "socket (usually: sudo usermod -aG docker $(id -un), then log in again)."
    ;;
esac
engine_is_absent || fail "The Docker engine reports an error. Fix it and run this again: $problem"
[ "$(endpoint)" = "$local_socket" ] ||
  fail "No Docker engine runs at $(endpoint). Start it, or choose another one with DOCKER_HOST or 'docker context use'."

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
  scripts/install-engine.sh
fi
scripts/start-engine.sh
