#!/usr/bin/env bash
# All tests, as CI runs them. They trace real programs and so need root, BPF and
# BTF; nothing is skipped: what cannot run here is a failure that says why.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# The same flags as the builds: everything is compiled once, not twice.
export CGO_ENABLED=0 GOFLAGS="-trimpath -tags=grpcnotrace"

[ "$(id -u)" = 0 ] || { echo "test: the tests load BPF programs: run as root" >&2; exit 1; }
[ -r /sys/kernel/btf/vmlinux ] || { echo "test: this kernel has no BTF (/sys/kernel/btf/vmlinux)" >&2; exit 1; }

unformatted() {
  local files
  files=$(git ls-files '*.go' | xargs gofmt -l)
  [ -z "$files" ] || { echo "not formatted: $files" >&2; return 1; }
}

regenerated() {
  scripts/generate.sh
  git diff --stat --exit-code
}

step "format" unformatted
step "build the slim Collector" scripts/build.sh otelcol-custom-slim
step "vet" go vet ./...
step "generated files are up to date" regenerated
step "unit and integration tests" go test -timeout 20m ./...
step "race detector" env CGO_ENABLED=1 go test -race -timeout 20m ./internal/... ./processor/... ./exporter/... ./receiver/ebpfreceiver/internal/{conn,shard,stream,target,monotime,kspan}/...
step "build the full Collector" scripts/build.sh otelcol-custom
step "demo" scripts/demo.sh --once
step "demo of the real stack" scripts/demo.sh --once --system stack
