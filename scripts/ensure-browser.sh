#!/usr/bin/env bash
# Installs the browser in which the end-to-end tests open the page of the operations port. An installed one is left
# unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

! command -v chromium >/dev/null || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  fail 'Install chromium and a font, such as fonts-dejavu-core, and run this again.'
fi
say 'browser: installing chromium'
export DEBIAN_FRONTEND=noninteractive
quietly 'apt could not install it. Fix the error below and run this again.' \
  sh -c 'apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core'
