# Sourced: installs Debian packages where that is possible.

# Says what is missing and ends the script.
die() {
  printf '%s\n' "$@" >&2
  exit 1
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# install PACKAGE... — as root on Debian or a relative of it. Asks nothing, waits for another installation to end.
install() {
  # A machine that was off for long, or a mirror that lags: signatures are still checked, dates are not.
  local apt=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300
    -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false)
  "${apt[@]}" update >&2
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "$@" >&2 </dev/null
}
