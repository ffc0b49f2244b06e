package blind_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/blind"
)

// The floors are a point or two below what was measured: runs differ by that from seed to seed.
func TestTheProcessorLinksByTimes(t *testing.T) {
	for set, floor := range map[string]float64{
		"hotel_load75": 0.98, "node_load75": 0.98, "media_load75": 0.89, "hotel_load75_x10": 0.97,
	} {
		t.Run(set, func(t *testing.T) {
			spans, err := blind.ReadSpans(filepath.Join(data, set+".spans.jsonl.gz"))
			require.NoError(t, err)
			truth, err := blind.ReadTruth(filepath.Join(data, set+".truth.jsonl.gz"))
			require.NoError(t, err)
			r, err := blind.Run("stitch", spans, truth, blind.Stitch)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, r.TraceAccuracy, floor)
			assert.Less(t, r.SureWrong, 0.1, "of links claimed with 0.9 and more")
		})
	}
}
