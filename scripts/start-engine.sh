#!/usr/bin/env bash
# Starts the installed Docker engine and waits until it answers. One that is just coming up is awaited, one that
# went down a moment ago is given the time to let go of its files: there is never a second one.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

log=/var/log/dockerd.log
starts_left=8 # after a kill, the first ones may find the old process's traces
deadline=$((SECONDS + 60))

answers() { docker info >/dev/null 2>&1; }
running() { grep -qsx dockerd /proc/[0-9]*/comm; } # pgrep may be missing on a small Debian

# Where /run outlives a reboot, a left-over file may name a process that has nothing to do with Docker, and the
# engine would take it for its own.
forget_strangers() {
  local file pid
  for file in /run/docker.pid /run/docker/containerd/containerd.pid; do
    pid=$(cat "$file" 2>/dev/null) || continue
    case $(cat "/proc/$pid/comm" 2>/dev/null) in
      dockerd | containerd) ;;
      *) rm -f "$file" ;;
    esac
  done
}

start() {
  [ "$starts_left" -gt 0 ] || give_up 'ends at once'
  starts_left=$((starts_left - 1))
  forget_strangers
  # Its own session: it must outlive this terminal, and Ctrl-C there is not meant for it.
  setsid dockerd </dev/null >>"$log" 2>&1 &
  sleep 0.5
}

give_up() {
  fail "The Docker engine $1. Repair what its log ($log) says and run this again:
$(grep -E 'level=(error|fatal)|failed to start' "$log" | tail -n 5)"
}

[ "$(id -u)" -eq 0 ] || fail 'The Docker engine is not running, and starting it takes root: start it, or run this as root.'

if [ -d /run/systemd/system ]; then
  say 'Docker: starting the engine (systemctl start docker)'
  systemctl start docker || fail "systemd could not start Docker; repair what 'journalctl -u docker' says and run this again."
  exit 0
fi

say "Docker: starting the engine (its log is $log)"
until answers; do
  [ "$SECONDS" -lt "$deadline" ] || give_up 'does not answer after 60 s'
  running || start
  sleep 0.2
done
