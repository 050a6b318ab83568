# Sourced by the other scripts: one way to report progress, and one to end with what the user has to do.
# shellcheck shell=bash

say() { printf '==> %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# quietly ADVICE COMMAND...: the command's output is shown only when it fails, below what to do about it.
quietly() {
  local advice=$1 log status
  shift
  log=$(mktemp)
  # Not "if" or "||": these would switch off errexit within the command.
  set +e
  (
    set -e
    "$@"
  ) </dev/null >"$log" 2>&1
  status=$?
  set -e
  local output
  output=$(tail -n 20 "$log")
  rm -f "$log"
  [ "$status" -eq 0 ] || fail "$advice
$output"
}
