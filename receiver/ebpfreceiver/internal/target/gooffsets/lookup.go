package gooffsets

import (
	"strconv"
	"strings"
)

//go:generate go run ./gen -out table.go

// run is a series of releases of one minor version between which the layout of
// runtime.g is the same: measured at each of probed, and taken for those
// between the first and the last of them, since Go does not change a layout in
// a patch release and then back.
type run struct {
	minor   int
	probed  []int // patch numbers, ascending
	offsets Offsets
}

// lookup returns the offsets for a release, as "go1.26.8" or "go1.26.8
// X:boringcrypto". Development versions, vendors' versions and patch releases
// later than the last one measured are unknown.
func lookup(version string) (Offsets, bool) {
	minor, patch, ok := parseRelease(version)
	if !ok {
		return Offsets{}, false
	}
	for i := range table {
		r := &table[i]
		if r.minor == minor && r.probed[0] <= patch && patch <= r.probed[len(r.probed)-1] {
			return r.offsets, true
		}
	}
	return Offsets{}, false
}

// parseRelease parses go1.<minor>[.<patch>]. Experiments that the toolchain was
// built with do not change runtime.g.
func parseRelease(version string) (minor, patch int, ok bool) {
	version, _, _ = strings.Cut(version, " X:")
	numbers, ok := strings.CutPrefix(version, "go1.")
	if !ok {
		return 0, 0, false
	}
	first, second, hasPatch := strings.Cut(numbers, ".")
	minor, err := strconv.Atoi(first)
	if err == nil && hasPatch {
		patch, err = strconv.Atoi(second)
	}
	return minor, patch, err == nil && minor >= 0 && patch >= 0
}
