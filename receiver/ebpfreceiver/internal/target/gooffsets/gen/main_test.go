package main

import (
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/gooffsets"
)

func TestReleasesAreNamedAsTheToolchainsAre(t *testing.T) {
	for want, r := range map[string]release{
		"go1.18": {18, 0}, "go1.18.4": {18, 4}, "go1.20": {20, 0}, "go1.21.0": {21, 0}, "go1.27.4": {27, 4},
	} {
		assert.Equal(t, want, r.String())
	}
}

func TestParseReleases(t *testing.T) {
	assert.Equal(t, []release{{18, 0}, {18, 4}, {21, 0}, {21, 13}}, parseReleases(`golang.org/toolchain
		v0.0.1-go1.17.13.linux-amd64 v0.0.1-go1.21.13.linux-amd64 v0.0.1-go1.21.0.linux-amd64 v0.0.1-go1.21.0.linux-amd64
		v0.0.1-go1.18.linux-amd64 v0.0.1-go1.18.4.linux-amd64 v0.0.1-go1.18.4.linux-arm64 v0.0.1-go1.18beta1.linux-amd64
		v0.0.1-go1.26rc1.linux-amd64 v0.0.1-go1.22.1.windows-amd64`), "those of this platform, no betas, ascending")
}

func TestChooseTakesTheFirstTheMiddleAndTheLast(t *testing.T) {
	assert.Equal(t, []release{{18, 0}, {18, 3}, {18, 9}, {19, 2}, {20, 0}, {20, 5}}, choose([]release{
		{18, 0}, {18, 1}, {18, 3}, {18, 4}, {18, 9}, {19, 2}, {20, 0}, {20, 5},
	}))
	assert.Empty(t, choose(nil))
}

func TestRenderJoinsReleasesOfEqualOffsets(t *testing.T) {
	old, moved := gooffsets.Offsets{Goid: 152}, gooffsets.Offsets{Goid: 160, ParentGoid: 280}
	source := render([]measured{
		{release{18, 0}, old}, {release{18, 4}, old}, {release{19, 0}, old}, {release{19, 3}, moved}, {release{19, 5}, moved},
	})
	_, err := parser.ParseFile(token.NewFileSet(), "table.go", source, 0)
	require.NoError(t, err)
	for _, row := range []string{
		"{minor: 18, probed: []int{0, 4}, offsets: Offsets{Goid: 152, ParentGoid: 0}},\n",
		"{minor: 19, probed: []int{0}, offsets: Offsets{Goid: 152, ParentGoid: 0}},\n",
		"{minor: 19, probed: []int{3, 5}, offsets: Offsets{Goid: 160, ParentGoid: 280}},\n",
	} {
		assert.Contains(t, string(source), row)
	}
}
