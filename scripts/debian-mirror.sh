#!/usr/bin/env bash
# Prints the archive this Debian machine takes RELEASE from, so that what is installed beside it comes from
# the same place: a company's mirror stays in use.
# Usage: debian-mirror.sh [RELEASE], by default the release that is running.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

# shellcheck source=/dev/null
release=${1:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}

# shellcheck disable=SC2016 # apt fills in the format, not the shell
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' \
  'Created-By: Packages' 'Component: main' "Release: $release" | head -n 1)
[ -n "$mirror" ] || fail "apt on this machine has no source for \"$release main\"; add one and run this again."
echo "$mirror"
