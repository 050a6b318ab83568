#!/usr/bin/env bash
# Makes sure that there is a Node that runs TypeScript directly and has node:ffi (26.10 or later): the one in PATH, or a
# private one from npm in .toolchain, which make puts first in PATH. Never changes the system's own Node. The programs also
# run on 24.12, without node:ffi; some of the tests do not.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

pinned=26.10.0
private=.toolchain/node_modules/node/bin/node

new_enough() { [ "$("$1" -p '(([a, b]) => a > 26 || (a == 26 && b >= 10))(process.versions.node.split("."))' 2>/dev/null)" = true ]; }

# npm's builds of Node need this library, which a small Debian may lack.
install_libatomic() {
  apt-get install -yq --no-install-recommends -o DPkg::Lock::Timeout=120 libatomic1 ||
    { apt-get update -q && apt-get install -yq --no-install-recommends libatomic1; }
}

new_enough node && exit 0
new_enough "$private" && exit 0

command -v npm >/dev/null ||
  fail 'PATH has neither Node 26.10 or later nor npm to download it. Install Node (https://nodejs.org) and run this again.'

say "Node: need 26.10 or later, found $(node --version 2>/dev/null || echo none); downloading a private $pinned into .toolchain"
mkdir -p .toolchain
# Behind a proxy that intercepts TLS, Node does not trust what the machine trusts.
export NODE_EXTRA_CA_CERTS
NODE_EXTRA_CA_CERTS=$(scripts/find-ca-bundle.sh)
quietly 'npm could not download Node. Fix the error below, or install Node 26.10 or later, and run this again.' \
  npm install --prefix .toolchain --no-save --no-audit --no-fund "node@$pinned"

if ! new_enough "$private" && ! ldconfig -p | grep -q 'libatomic\.so\.1'; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    fail 'Node needs libatomic.so.1. Install it (Debian: apt-get install libatomic1) and run this again.'
  fi
  say 'Node: installing libatomic1, which it needs'
  quietly 'apt could not install libatomic1. Fix the error below and run this again.' install_libatomic
fi
new_enough "$private" || fail "The Node in .toolchain does not run: $("$private" --version 2>&1 | tail -n 1)"
