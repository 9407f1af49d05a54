#!/usr/bin/env bash
# Makes sure that a container engine answers. Where none does, and this is Debian and root, installs and starts one,
# which then stays; elsewhere says what is missing and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/packages.sh

answers() { command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1; }

# answers_within SECONDS
answers_within() {
  local end=$((SECONDS + $1))
  until answers; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

if answers; then exit; fi

[ -z "${DOCKER_HOST:-}" ] || die "DOCKER_HOST is set and no engine answers there: start it, or unset DOCKER_HOST."
can_install || die \
  "Tests need a container engine and none answers to 'docker info'." \
  "Install Docker (or Podman with its Docker socket), start it, and see that this user may talk to it." \
  "As root on Debian this script does that by itself."

missing=()
for command in dockerd docker iptables; do command -v "$command" >/dev/null || missing+=("$command"); done
if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing a container engine (missing: ${missing[*]})" >&2
  install docker.io iptables
  # Since Debian 13 the client is a package of its own.
  command -v docker >/dev/null || install docker-cli
fi

# With an init system the package has started the engine.
if [ -d /run/systemd/system ] && answers_within 15; then exit; fi

log=/var/log/cachedpool-dockerd.log
# In a session of its own and with none of our streams: it outlives this script, and nobody who reads this script's
# output to the end waits for it.
setsid dockerd >"$log" 2>&1 </dev/null &
answers_within 60 || die "dockerd was started and does not answer; the end of $log:" "$(tail -n 20 "$log")"
