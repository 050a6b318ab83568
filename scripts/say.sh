# Sourced by the other scripts: one way to report progress, and one to end with an error and what to do about it.
# shellcheck shell=bash

say() { printf '==> %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# quietly ADVICE COMMAND...: runs the command. If it fails, prints the advice and the end of its output, and exits.
quietly() {
  local advice=$1 log status
  shift
  log=$(mktemp)
  # Not "if" or "||": they would disable errexit inside the command.
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
