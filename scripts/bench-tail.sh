#!/usr/bin/env bash
# Puts the tail hook beside contrib's tail_sampling on the same input, kills a
# Collector under load, and prints what the README of the hook says. 2 minutes,
# once the Collector is built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

step "build the full Collector" scripts/build.sh otelcol-custom
step "side by side" go test -run '^$' -bench AgainstTailSampling -benchtime 1x ./exporter/tailhook
step "kill -9 under load" env OTELCOL_BIN="$PWD/bin" go test -count=1 -v -run KilledUnderLoad ./internal/distro
