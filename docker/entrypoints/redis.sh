#!/usr/bin/env bash
# Entry point of the Redis image: the part of the official image's behaviour that tests rely on.
set -euo pipefail

if [ $# -eq 0 ] || [ "${1:0:1}" = - ] || [ "${1##*.}" = conf ]; then set -- redis-server "$@"; fi
if [ "$1" = redis-server ]; then
  # As in the official image: who can reach the container may use the server.
  set -- "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then
    chown -R nobody /data
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
  fi
fi

exec "$@"
