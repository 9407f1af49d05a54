#!/usr/bin/env bash
# Entry point of the Redis image, and as `valkey.sh` of Valkey's: the part of the official images' behaviour that tests rely on.
set -euo pipefail

server=$(basename "$0" .sh)-server
if [ $# -eq 0 ] || [ "${1:0:1}" = - ] || [ "${1##*.}" = conf ]; then set -- "$server" "$@"; fi
if [ "$1" = "$server" ]; then
  # As in the official image: who can reach the container may use the server.
  set -- "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then
    chown -R nobody /data
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
  fi
fi

exec "$@"
