package scenario_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// everyRequestMakesItsCalls runs scenarios for real and asks the backends.
func everyRequestMakesItsCalls(t *testing.T, specs []*scenario.Spec) {
	for _, s := range specs {
		t.Run(s.Name, func(t *testing.T) {
			o := options(t)
			o.Install, o.Out = true, os.Stderr
			r, err := run(t, s, o)
			require.NoError(t, err)
			assert.True(t, r.OK(), "%+v", r)
		})
	}
}

// One program of each language and one on three hosts: what needs no package that
// a machine to build this on does not have. The whole
// catalog is run by: go test -tags scenarios -run EveryScenario ./testbed/scenario
func TestSomeScenarios(t *testing.T) {
	var specs []*scenario.Spec
	for _, name := range []string{"c-pool", "go-mix", "java-mix", "node-mix", "python-mix", "three-hosts"} {
		s, err := scenario.Load(repository, name)
		require.NoError(t, err)
		specs = append(specs, s)
	}
	everyRequestMakesItsCalls(t, specs)
}
