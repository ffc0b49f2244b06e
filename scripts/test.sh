#!/usr/bin/env bash
# All tests, as CI runs them. They trace real programs and so need root, BPF and
# BTF; nothing is skipped: what cannot run here is a failure that says why.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

need_go
[ "$(id -u)" = 0 ] || { echo "test: the tests load BPF programs: run as root" >&2; exit 1; }
[ -r /sys/kernel/btf/vmlinux ] || { echo "test: this kernel has no BTF (/sys/kernel/btf/vmlinux)" >&2; exit 1; }

# sums: a line for each file that is committed or could be.
sums() { git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum 2>/dev/null; }

regenerated() {
  local before
  before=$(sums)
  scripts/generate.sh
  diff <(echo "$before") <(sums) || { echo "stale: run make generate and commit what it changes" >&2; return 1; }
}

race() {
  need gcc gcc libc6-dev # the race detector is linked by a C compiler
  CGO_ENABLED=1 go test -race -timeout 20m ./internal/... ./processor/... ./exporter/... \
    ./receiver/ebpfreceiver/internal/{conn,shard,stream,target,monotime,kspan}/...
}

# What fails first costs least: the full Collector takes longest to build.
step "build the slim Collector" scripts/build.sh otelcol-custom-slim
step "generated files are up to date" regenerated
step "lint" scripts/lint.sh
step "build the full Collector" scripts/build.sh otelcol-custom
step "unit and integration tests" env OTELCOL_BIN="$PWD/bin" go test -timeout 20m ./...
step "accuracy" go run ./testbed gate --install # live, against testbed/floors.yaml
step "race detector" race
step "other systems" scripts/cross.sh
step "other kernels" timeout 20m scripts/kernels.sh
step "demo" scripts/demo.sh --once
step "demo of the real stack" scripts/demo.sh --once --system stack
echo "all tests passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
