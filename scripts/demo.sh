#!/usr/bin/env bash
# Starts a demo system and the Collector beside it. Flags: bin/demo run --help
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go
if [ "$(id -u)" != 0 ]; then
  echo "demo: tracing needs root: run it with sudo, or as root" >&2
  exit 1
fi
go build -o bin/demo ./testbed/demo
exec bin/demo run "$@"
