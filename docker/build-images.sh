#!/usr/bin/env bash
# Gets the images that tests run: postgres:17, mariadb:11.8, redis:8, valkey/valkey:8, and Chromium without a screen.
#
#   docker/build-images.sh [postgres] [mariadb] [redis] [valkey] [chromium]       (default: all of them)
#
# An image that is there is left alone. Else it is pulled; and where no container registry can be reached, an image of
# the same name is built from Debian's packages, with the official one's behaviour as far as tests rely on it.
# There is no official image of Chromium: it is always built, on Debian's own image where that can be pulled.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/packages.sh

suite=trixie # Debian 13: the versions below are its
declare -A tags=([postgres]=postgres:17 [mariadb]=mariadb:11.8 [redis]=redis:8 [valkey]=valkey/valkey:8
  [chromium]=cachedpool-test-chromium:trixie)
declare -A packages=(
  [postgres]=postgresql-17
  [mariadb]="mariadb-server-core mariadb-client-core"
  [redis]=redis-server
  [valkey]=valkey-server
)

wanted=("$@")
[ $# -gt 0 ] || wanted=(postgres mariadb redis valkey chromium)
for name in "${wanted[@]}"; do [ -n "${tags[$name]:-}" ] || die "unknown image: $name (known: ${!tags[*]})"; done

# Changes with the recipe, so that images built from an older one are told apart from those that are up to date.
recipe=$(cat docker/build-images.sh docker/entrypoints/*.sh | sha256sum | cut -c1-16)
# One root filesystem for all servers, as most of it is the same. iproute2 and iptables are for faults in the network.
base=cachedpool-test-base:$recipe

# up_to_date TAG — there, and either not built here or built from this recipe.
up_to_date() {
  local built
  built=$(docker image inspect --format '{{index .Config.Labels "cachedpool-tests.recipe"}}' "$1" 2>/dev/null) || return 1
  [ -z "$built" ] || [ "$built" = "<no value>" ] || [ "$built" = "$recipe" ]
}

# pull TAG — asking for the manifest first tells within seconds whether a registry can be reached at all.
pull() {
  DOCKER_CLI_EXPERIMENTAL=enabled timeout 15 docker manifest inspect "$1" >/dev/null 2>&1 || return 1
  timeout 900 docker pull "$1"
}

# This machine's own package sources with the suite swapped: no mirror is named here.
sources() {
  local own=/etc/apt/sources.list.d/debian.sources codename
  [ -f "$own" ] || own=/etc/apt/sources.list
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  sed "s/\b$codename\b/$suite/g" "$own" > "$scratch/sources.${own##*.}"
  echo "$scratch/sources.${own##*.}"
}

# bootstrap TAG PACKAGES [HOOK...] — a root filesystem with these packages.
bootstrap() {
  local tag=$1 include=$2
  shift 2
  ! docker image inspect "$tag" >/dev/null 2>&1 || return 0
  grep -qs '^ID=debian$' /etc/os-release && can_install || die \
    "No container registry can be reached, and images are built from packages only as root on Debian." \
    "Load the images by hand: ${tags[*]}"
  command -v mmdebstrap >/dev/null && command -v zstd >/dev/null || install mmdebstrap zstd
  mmdebstrap --quiet --variant=minbase --mode=root \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$include" "$@" --customize-hook='rm -rf "$1"/etc/apt/sources.list.d/*' \
    "$suite" - "$(sources)" | docker import - "$tag" >/dev/null
}

build_base() {
  local customize=(
    "install -d \"\$1\"/docker-entrypoint-initdb.d \"\$1\"/data \"\$1\"/usr/local/bin"
    "install -m755 '$PWD'/docker/entrypoints/*.sh \"\$1\"/usr/local/bin/"
    # The full package makes the user, mariadb-server-core does not.
    "chroot \"\$1\" getent passwd mysql >/dev/null || chroot \"\$1\" useradd -r -d /nonexistent -s /bin/false mysql"
    "rm -rf \"\$1\"/var/lib/mysql/*"
  )
  bootstrap "$base" "${packages[*]} iproute2 iptables" \
    --essential-hook='mkdir -p "$1"/etc/postgresql-common' \
    --essential-hook='echo "create_main_cluster = false" > "$1"/etc/postgresql-common/createcluster.conf' \
    "${customize[@]/#/--customize-hook=}"
}

# image NAME DOCKERFILE-LINE...
image() {
  local name=$1
  shift
  { printf '%s\n' "FROM $base" "LABEL cachedpool-tests.recipe=$recipe" "$@" "ENTRYPOINT [\"$name.sh\"]"; } |
    DOCKER_BUILDKIT=0 docker build -q -t "${tags[$name]}" - >/dev/null
}

# The headless browser is a package of its own, half the size of the whole one.
build_browser() {
  local shell=chromium-headless-shell from=debian:$suite-slim steps=()
  if pull "$from"; then
    steps=("RUN apt-get update && apt-get install -y --no-install-recommends $shell && rm -rf /var/lib/apt/lists/*")
  else
    from=cachedpool-test-browser:$recipe
    bootstrap "$from" "$shell"
  fi
  printf '%s\n' "FROM $from" "LABEL cachedpool-tests.recipe=$recipe" "${steps[@]}" |
    DOCKER_BUILDKIT=0 docker build -q -t "${tags[chromium]}" - >/dev/null
}

build() {
  if [ "$1" = chromium ]; then
    build_browser
    return
  fi
  build_base
  case $1 in
    postgres) image postgres 'ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      'ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8' 'STOPSIGNAL SIGINT' 'EXPOSE 5432' ;;
    mariadb) image mariadb 'EXPOSE 3306' ;;
    redis) image redis 'WORKDIR /data' 'EXPOSE 6379' ;;
    valkey) image valkey 'WORKDIR /data' 'EXPOSE 6379' ;;
  esac
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for name in "${wanted[@]}"; do
  tag=${tags[$name]}
  if up_to_date "$tag"; then continue; fi
  # A name of ours is nobody's in a registry that we would want to run.
  { [ "$name" != chromium ] && pull "$tag"; } || build "$name"
  echo "$tag is there"
done
