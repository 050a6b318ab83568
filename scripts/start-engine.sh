#!/usr/bin/env bash
# Starts the installed Docker engine and waits until it responds. Never starts a second one: waits for an engine that is
# starting, and until one that has just ended has released its files.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

log=/var/log/dockerd.log
starts_left=8 # after a kill, the first starts may fail because of files of the old process
deadline=$((SECONDS + 60))

responds() { docker info >/dev/null 2>&1; }
running() { grep -qsx dockerd /proc/[0-9]*/comm; } # a minimal Debian may lack pgrep

# If /run survives a reboot, an old pid file may contain the pid of an unrelated process, and the engine would believe
# that it is running already.
remove_stale_pid_files() {
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
  [ "$starts_left" -gt 0 ] || give_up 'exits immediately'
  starts_left=$((starts_left - 1))
  remove_stale_pid_files
  # In a session of its own: it must outlive this terminal, and must not get its Ctrl-C.
  setsid dockerd </dev/null >>"$log" 2>&1 &
  sleep 0.5
}

give_up() {
  fail "The Docker engine $1. Fix the error in its log ($log) and run this again:
$(grep -E 'level=(error|fatal)|failed to start' "$log" | tail -n 5)"
}

[ "$(id -u)" -eq 0 ] || fail 'The Docker engine is not running, and starting it needs root. Start it, or run this as root.'

if [ -d /run/systemd/system ]; then
  say 'Docker: starting the engine (systemctl start docker)'
  systemctl start docker || fail "systemd could not start Docker. Fix the error that 'journalctl -u docker' shows and run this again."
  exit 0
fi

say "Docker: starting the engine (its log is $log)"
until responds; do
  [ "$SECONDS" -lt "$deadline" ] || give_up 'does not respond after 60 s'
  running || start
  sleep 0.2
done
