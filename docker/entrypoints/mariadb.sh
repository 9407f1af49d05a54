#!/usr/bin/env bash
# Entry point of the MariaDB image: the part of the official image's behaviour that tests rely on.
#
# MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD, MARIADB_DATABASE, MARIADB_USER and MARIADB_PASSWORD are
# obeyed, and /docker-entrypoint-initdb.d/*.sql are run once.
set -Eeuo pipefail

if [ $# -eq 0 ] || [ "${1:0:1}" = - ]; then set -- mariadbd "$@"; fi
if [ "$1" != mariadbd ]; then exec "$@"; fi

data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" /run/mysqld
  chown -R mysql:mysql "$data" /run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
fi

# A text between single quotes, for SQL.
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")"; }

accounts() {
  [ -z "$MARIADB_DATABASE" ] || echo "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
  if [ -n "$MARIADB_USER" ]; then
    echo "CREATE USER $(quoted "$MARIADB_USER")@'%' IDENTIFIED BY $(quoted "$MARIADB_PASSWORD");"
    [ -z "$MARIADB_DATABASE" ] || echo "GRANT ALL ON \`$MARIADB_DATABASE\`.* TO $(quoted "$MARIADB_USER")@'%';"
  fi
}

# Last of all: from here on the socket asks for the password too.
root_account() {
  echo "CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY $(quoted "$MARIADB_ROOT_PASSWORD");"
  echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "$MARIADB_ROOT_PASSWORD");"
  echo "SHUTDOWN;"
}

if [ ! -d "$data/mysql" ]; then
  : "${MARIADB_ROOT_PASSWORD:=}" "${MARIADB_DATABASE:=}" "${MARIADB_USER:=}" "${MARIADB_PASSWORD:=}"
  if [ -z "$MARIADB_ROOT_PASSWORD" ] && [ -z "${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-}" ]; then
    echo "set MARIADB_ROOT_PASSWORD, or MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1" >&2
    exit 1
  fi
  mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db --cross-bootstrap >/dev/null
  # A first server, for the accounts, behind a Unix socket only: its log says "port: 0".
  "$@" --datadir="$data" --socket="$socket" --skip-networking &
  first=$!
  client=(mariadb --no-defaults -uroot -S "$socket")
  until "${client[@]}" -e 'SELECT 1' >/dev/null 2>&1; do
    kill -0 "$first" # ends this script if the server has ended
    sleep 0.05
  done
  accounts | "${client[@]}"
  for file in /docker-entrypoint-initdb.d/*.sql; do
    [ ! -e "$file" ] || "${client[@]}" ${MARIADB_DATABASE:+-D "$MARIADB_DATABASE"} < "$file"
  done
  root_account | "${client[@]}"
  wait "$first"
fi

exec "$@" --datadir="$data" --socket="$socket" --bind-address=0.0.0.0
