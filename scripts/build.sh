#!/usr/bin/env bash
# Builds one of the two Collectors into bin/ and shows how far it is.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
name=${1:?usage: build.sh otelcol-custom|otelcol-custom-slim}
need_go

case $name in
otelcol-custom) expect="7 minutes" ;;
*) expect="2 minutes" ;;
esac
total=$(go list -deps "./$name" | wc -l)
echo "building bin/$name ($total packages; the first time takes about $expect on 2 cores and downloads modules)"

# go build -v names every package that it compiles, on stderr.
progress() {
  awk -v total="$total" '
    /^[a-z0-9.\/_-]+$/ { n++; if (n % 25 == 0) { printf "  %d of up to %d packages compiled\n", n, total; fflush() } next }
    { print; fflush() }'
}
go build -v -ldflags="-s -w" -o bin/ "./$name" 2> >(progress >&2)
wait
echo "built bin/$name"
