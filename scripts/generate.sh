#!/usr/bin/env bash
# Regenerates everything that is generated and committed: the BPF objects and
# their Go types, the components' metadata, the Collectors' main packages.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

need clang-19 clang-19
need llvm-strip-19 llvm-19
[ -e /usr/include/bpf/bpf_helpers.h ] || install_packages libbpf-dev
# The package of the headers decides a few bytes of the objects only through
# macros; any version that has bpf_core_read.h will do.

echo "generate: BPF objects"
go generate ./bpf
for component in receiver/ebpfreceiver processor/stitchprocessor exporter/tailhook; do
  echo "generate: $component"
  (cd "$component" && go tool mdatagen metadata.yaml)
done
for manifest in builder-config.yaml builder-config.slim.yaml; do
  echo "generate: $manifest"
  go tool builder --skip-get-modules --skip-compilation --config "$manifest" >/dev/null 2>&1
done
