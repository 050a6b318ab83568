#!/usr/bin/env bash
# Installs Docker engine, Compose and buildx from Debian's packages. Debian 12 has no Compose v2, so there the packages
# come from Debian 13 (trixie). Only the packages named below do; nothing else is upgraded.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

by_hand='install Docker Engine 25 or later with Compose v2 (https://docs.docker.com/engine/install/) and run this again.'

grep -qx 'ID=debian' /etc/os-release 2>/dev/null ||
  fail "No Docker engine runs, and this script can install one on Debian only: $by_hand"
[ "$(id -u)" -eq 0 ] ||
  fail "No Docker engine runs, and installing one needs root: run this as root, or $by_hand"

# shellcheck source=/dev/null
debian=$(. /etc/os-release && echo "${VERSION_ID:-99}") # testing and unstable have no number
[ "$debian" -ge 12 ] || fail "Debian $debian is too old for this script to install Docker: $by_hand"

export DEBIAN_FRONTEND=noninteractive
wait_for_lock=(-o DPkg::Lock::Timeout=120)
sources=/etc/apt/sources.list.d/uds-sidecar-trixie.sources
suffix=

add_trixie() {
  local mirror
  mirror=$(scripts/debian-mirror.sh)
  cat >"$sources" <<SOURCE
Types: deb
URIs: $mirror
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCE
  cat >/etc/apt/preferences.d/uds-sidecar-trixie <<PIN
Package: *
Pin: release n=trixie
Pin-Priority: 100
PIN
  # Update only this source: others may be unreachable, and are not needed.
  apt-get update -q "${wait_for_lock[@]}" -o Dir::Etc::SourceList="$sources" -o Dir::Etc::SourceParts=/dev/null \
    -o APT::Get::List-Cleanup=0
}

install_packages() {
  apt-get install -yq --no-install-recommends "${wait_for_lock[@]}" \
    {docker.io,docker-cli,docker-compose,docker-buildx,containerd}"$suffix" iptables
}

install_engine() {
  if [ "$debian" -eq 12 ]; then
    add_trixie
    suffix=/trixie
  fi
  # The package lists may be missing or out of date.
  install_packages || { apt-get update -q "${wait_for_lock[@]}" && install_packages; }
  # A kernel without nf_tables may still have the legacy tables.
  iptables -t nat -nL || update-alternatives --set iptables /usr/sbin/iptables-legacy
}

say "Docker: no engine found; installing it with Compose and buildx from Debian's packages"
[ "$debian" -gt 12 ] || say "Docker: the packages come from Debian 13; other packages are not changed ($sources)"
quietly 'apt could not install Docker. Fix the error below and run this again.' install_engine
