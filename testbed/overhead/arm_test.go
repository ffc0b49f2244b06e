package overhead

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

func TestOffIsAlwaysAnArm(t *testing.T) {
	arms, err := ParseArms("traced, sampled,traced,off")
	require.NoError(t, err)
	assert.Equal(t, []Arm{Off, Traced, Sampled}, arms)
	_, err = ParseArms("on")
	assert.ErrorContains(t, err, `no arm "on": there are [off beside traced sampled earlier]`)
}

func TestConfigurationsAreYAML(t *testing.T) {
	live := &scenario.Live{Spec: &scenario.Spec{}}
	for _, arm := range []Arm{Beside, Traced, Sampled} {
		for _, profiler := range []string{"", "127.0.0.1:1777"} {
			var got struct {
				Receivers  map[string]map[string]any
				Extensions map[string]any
				Service    struct{ Extensions []string }
			}
			text := strings.ReplaceAll(arm.config(live, "evidence: false", "127.0.0.1:4318", profiler), "${METRICS}", "1")
			require.NoError(t, yaml.Unmarshal([]byte(text), &got), text)
			assert.Equal(t, false, got.Receivers["ebpf"]["evidence"])
			assert.Equal(t, profiler != "", len(got.Extensions) == 1 && len(got.Service.Extensions) == 1)
		}
	}
	assert.Contains(t, Beside.config(live, "", "", ""), "/no/such/program")
	assert.Contains(t, Sampled.config(live, "", "", ""), "sampling_percentage: 1}")
}

func TestComponentsAreFoundByName(t *testing.T) {
	text := "extensions:\n    - name: pprof\n      module: x\n    - name: pprofling\n"
	assert.True(t, hasComponent(text, "pprof"))
	assert.False(t, hasComponent(text, "prof"))
}

const repository = "../.."

func TestWorkloadsAreFoundByName(t *testing.T) {
	all, err := Workloads(repository)
	require.NoError(t, err)
	for _, w := range all {
		assert.NotEmpty(t, w.About, w.Name)
		require.NotNil(t, w.Spec.Service(target), w.Name)
		assert.True(t, w.Spec.Service(target).Target, w.Name)
		assert.NotEmpty(t, w.Spec.Packages(), w.Name)
		for file := range w.Spec.Service(target).Files {
			_, err := os.Stat(filepath.Join(repository, "testbed", "scenario", "programs", file))
			assert.NoError(t, err)
		}
	}
	some, err := Named(all, []string{"redis-get", "go-empty-1"})
	require.NoError(t, err)
	assert.Equal(t, "redis-get", some[0].Name)
	assert.Equal(t, "go-empty-1", some[1].Name)
	everything, err := Named(all, nil)
	require.NoError(t, err)
	assert.Len(t, everything, len(all))
	_, err = Named(all, []string{"cobol"})
	assert.ErrorContains(t, err, "redis-pipeline")
}
