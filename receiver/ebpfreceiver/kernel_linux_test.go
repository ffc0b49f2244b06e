package ebpfreceiver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

// A kernel side that did not load must not be closed: the Collector would end with
// a stack instead of the reason.
func TestAProbeThatDoesNotLoadIsNoKernel(t *testing.T) {
	k, err := openProbe(&probe.Options{RingSize: 3})
	require.ErrorIs(t, err, probe.ErrUnfit)
	assert.True(t, k == nil, "%T", k)
}
