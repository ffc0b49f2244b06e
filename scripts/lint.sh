#!/usr/bin/env bash
# Checks what the compiler does not: format, import directions, documentation,
# lengths, common mistakes. Rules: .golangci.yml, .clang-format.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

version=v2.15.0
linter=.cache/tools/golangci-lint-$version/golangci-lint
if [ ! -x "$linter" ]; then
  echo "lint: building golangci-lint $version (2 minutes the first time)"
  GOBIN=$PWD/$(dirname "$linter") go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
fi
# The main packages are generated, and large.
"$linter" run "$@" ./{bpf,exporter,internal,processor,receiver,testbed}/...

need clang-format-19 clang-format-19
clang-format-19 --dry-run -Werror bpf/*.h bpf/*.c
