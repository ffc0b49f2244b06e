#!/usr/bin/env bash
# Traces on other kernels: Debian's 6.1, 6.12 and newest, in an emulator; its 5.10
# has to say why not. Flags: go run ./receiver/ebpfreceiver/internal/kernels/host --help
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go
need qemu-system-x86_64 qemu-system-x86
exec go run ./receiver/ebpfreceiver/internal/kernels/host "$@"
