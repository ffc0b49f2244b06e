#!/usr/bin/env bash
# Regenerates everything that is generated and committed: the BPF objects and
# their Go types, the components' metadata, the Collectors' main packages.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

need clang-19 clang-19
need llvm-strip-19 llvm-19
# The headers of libbpf 1.1 (Debian 12) and 1.5 (Debian 13) give the same objects.
[ -e /usr/include/bpf/bpf_helpers.h ] || install_packages libbpf-dev

echo "generate: BPF objects"
mkdir -p .cache
go generate ./bpf
for component in receiver/ebpfreceiver processor/stitchprocessor exporter/tailhook; do
  echo "generate: $component"
  (cd "$component" && go tool mdatagen metadata.yaml)
done
for manifest in builder-config.yaml builder-config.slim.yaml; do
  echo "generate: $manifest"
  go tool builder --skip-get-modules --skip-compilation --config "$manifest" 2>.cache/builder.log ||
    { cat .cache/builder.log >&2; exit 1; }
done
