# Shared by the scripts in this folder; to be sourced at the top of the checkout.

# One set of flags for everything: what one command compiles, the next one finds in
# the build cache.
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=grpcnotrace"

# install_packages NAME...: installs Debian packages, after saying so.
install_packages() {
  echo "installing Debian packages: $*"
  [ "$(id -u)" = 0 ] || { echo "this needs root: install them yourself, or run as root" >&2; return 1; }
  command -v apt-get >/dev/null || { echo "this is not Debian: install the like of $* yourself" >&2; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE...: installs the packages if COMMAND is missing.
need() { command -v "$1" >/dev/null || install_packages "${@:2}"; }

# need_go: go.mod decides which Go is new enough; Go says so itself.
need_go() {
  command -v go >/dev/null || { echo "Go is needed: https://go.dev/doc/install" >&2; return 1; }
}

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
