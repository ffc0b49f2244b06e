#!/usr/bin/env bash
# Compiles the slim Collector, with our three components, and their tests for the
# other systems. Only the receiver needs Linux, and says so elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

for target in linux/arm64 darwin/arm64 windows/amd64; do
  echo "cross: $target"
  export GOOS=${target%/*} GOARCH=${target#*/}
  go build -o /dev/null ./otelcol-custom-slim
  go vet ./receiver/ebpfreceiver ./processor/stitchprocessor ./exporter/tailhook
done
