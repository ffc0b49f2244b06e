#!/usr/bin/env bash
# Builds one of the two Collectors into bin/ and shows how far it is.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: build.sh otelcol-custom|otelcol-custom-slim}

command -v go >/dev/null || { echo "build: Go is needed: https://go.dev/doc/install" >&2; exit 1; }

case $name in
otelcol-custom) expect="7 minutes" ;;
*) expect="2 minutes" ;;
esac
flags=(-trimpath -tags grpcnotrace "-ldflags=-s -w")
total=$(CGO_ENABLED=0 go list -deps "${flags[@]}" "./$name" | wc -l)
echo "building bin/$name ($total packages; the first time takes about $expect on 2 cores and downloads modules)"

# go build -v names every package that it compiles, on stderr.
progress() {
  awk -v total="$total" '
    /^[a-z0-9.\/_-]+$/ { n++; if (n % 25 == 0) { printf "  %d of up to %d packages compiled\n", n, total; fflush() } next }
    { print; fflush() }'
}
CGO_ENABLED=0 go build -v "${flags[@]}" -o bin/ "./$name" 2> >(progress >&2)
wait
echo "built bin/$name"
