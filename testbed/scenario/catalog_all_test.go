//go:build scenarios

package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

func TestEveryScenario(t *testing.T) {
	specs, err := scenario.LoadAll(repository)
	require.NoError(t, err)
	everyRequestMakesItsCalls(t, specs)
}
