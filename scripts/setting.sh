# Sourced by scripts that build images beside those of compose.yaml.
# shellcheck shell=bash

# setting VARIABLE: its value in the environment, else in the files that scripts/compose.sh reads.
setting() {
  local variable=$1 file
  if [ -n "${!variable:-}" ]; then
    echo "${!variable}"
    return
  fi
  for file in .env .toolchain/images.env; do
    if [ -f "$file" ] && grep -q "^$variable=." "$file"; then
      sed -n "s/^$variable=//p" "$file" | tail -n 1 | tr -d "\"'"
      return
    fi
  done
}
