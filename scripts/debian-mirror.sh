#!/usr/bin/env bash
# Prints the URL from which apt on this machine gets RELEASE, so that other packages come from the same mirror, such as a
# company's.
# Usage: debian-mirror.sh [RELEASE], by default the release of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

# shellcheck source=/dev/null
release=${1:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}

# shellcheck disable=SC2016 # apt expands this, not the shell
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' \
  'Created-By: Packages' 'Component: main' "Release: $release" | head -n 1)
[ -n "$mirror" ] || fail "apt on this machine has no source for \"$release main\"; add one and run this again."
echo "$mirror"
