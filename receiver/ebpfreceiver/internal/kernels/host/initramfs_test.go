package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unpacked reads a "newc" archive as the kernel does.
func unpacked(t *testing.T, archive []byte) []entry {
	t.Helper()
	var out []entry
	field := func(at, i int) uint32 {
		n, err := strconv.ParseUint(string(archive[at+6+8*i:at+14+8*i]), 16, 32)
		require.NoError(t, err)
		return uint32(n)
	}
	align := func(n int) int { return (n + 3) &^ 3 }
	for at := 0; at < len(archive); {
		require.Equal(t, "070701", string(archive[at:at+6]))
		size, nameSize := int(field(at, 6)), int(field(at, 11))
		e := entry{name: string(archive[at+110 : at+110+nameSize-1]), mode: field(at, 1), major: field(at, 9), minor: field(at, 10)}
		require.Zero(t, archive[at+110+nameSize-1])
		data := align(at + 110 + nameSize)
		e.data = archive[data : data+size]
		out = append(out, e)
		at = align(data + size)
	}
	return out
}

func TestAnInitramfsHoldsTheProgramAndTheConsole(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 4, 1000} {
		init := bytes.Repeat([]byte("x"), size)
		var packed bytes.Buffer
		require.NoError(t, writeInitramfs(&packed, init))
		z, err := gzip.NewReader(&packed)
		require.NoError(t, err)
		archive, err := io.ReadAll(z)
		require.NoError(t, err)
		assert.Equal(t, []entry{
			{name: "dev", mode: 0o040755, data: []byte{}},
			{name: "dev/console", mode: 0o020600, major: 5, minor: 1, data: []byte{}},
			{name: "init", mode: 0o100755, data: init},
			{name: "TRAILER!!!", data: []byte{}},
		}, unpacked(t, archive))
	}
}
