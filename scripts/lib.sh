# Shared by the scripts in this folder; to be sourced at the top of the checkout.

# install_packages NAME...: installs Debian packages, after saying so.
install_packages() {
  echo "installing Debian packages: $*"
  [ "$(id -u)" = 0 ] || { echo "this needs root: install them yourself, or run as root" >&2; return 1; }
  command -v apt-get >/dev/null || { echo "this is not Debian: install the like of $* yourself" >&2; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE: installs PACKAGE if COMMAND is missing.
need() { command -v "$1" >/dev/null || install_packages "$2"; }

# step NAME COMMAND...: runs a command and tells how long it took.
step() {
  local name=$1 began=$SECONDS
  shift
  echo "=== $name"
  if "$@"; then
    echo "--- $name: ok, $((SECONDS - began)) s"
  else
    echo "--- $name: FAILED after $((SECONDS - began)) s"
    return 1
  fi
}
