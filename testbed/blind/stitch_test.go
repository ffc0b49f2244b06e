package blind_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/blind"
)

// The floors hold for the worst of three beginnings of the random numbers. What is claimed
// with 0.9 and more is wrong in at most two of a thousand cases.
func TestTheProcessorLinksByTimes(t *testing.T) {
	for set, floor := range map[string]float64{
		"hotel_load75": 0.99, "node_load75": 0.995, "media_load75": 0.905, "hotel_load75_x10": 0.985,
	} {
		t.Run(set, func(t *testing.T) {
			spans, err := blind.ReadSpans(filepath.Join(data, set+".spans.jsonl.gz"))
			require.NoError(t, err)
			truth, err := blind.ReadTruth(filepath.Join(data, set+".truth.jsonl.gz"))
			require.NoError(t, err)
			for seed := range uint64(3) {
				r, err := blind.Run("stitch", spans, truth, blind.StitchSeed(seed))
				require.NoError(t, err)
				assert.GreaterOrEqual(t, r.TraceAccuracy, floor, "seed %d", seed)
				assert.LessOrEqual(t, r.SureWrong, 0.002, "of links claimed with 0.9 and more, seed %d", seed)
			}
		})
	}
}
