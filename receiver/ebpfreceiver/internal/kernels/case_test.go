package kernels

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

func TestCasesAreAllCombinations(t *testing.T) {
	seen := map[Case]bool{}
	names := map[string]bool{}
	for _, c := range Cases() {
		seen[c], names[c.String()] = true, true
		assert.LessOrEqual(t, c.CaptureSize, uint32(probe.CaptureMax))
	}
	assert.Len(t, seen, 2*2*2*2*2)
	assert.Len(t, names, len(seen), "the table tells them apart")
}
