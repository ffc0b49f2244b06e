#!/usr/bin/env bash
# Measures costs: bench (a request, by hook and stage) or overhead (programs under
# load, without and with tracing). Installs the Debian packages that are missing,
# after saying so. Flags: scripts/measure.sh bench --help
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go
command=${1:?usage: measure.sh bench|overhead [flags]}
shift

go build -o bin/testbed ./testbed
for arg; do
  case $arg in -h | --help | -help) exec bin/testbed "$command" --help ;; esac
done
[ "$(id -u)" = 0 ] || { echo "$command: tracing needs root: run it with sudo, or as root" >&2; exit 1; }
scripts/build.sh otelcol-custom-slim >&2
exec bin/testbed "$command" --install --collector bin/otelcol-custom-slim "$@"
