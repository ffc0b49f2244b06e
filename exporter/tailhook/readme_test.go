package tailhook

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

func TestTheExamplesOfTheREADMEAreValid(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	parts := strings.Split(string(text), "```yaml\n")[1:]
	require.Len(t, parts, 4)
	for _, part := range parts {
		example, _, _ := strings.Cut(part, "```")
		var all map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(example), &all))
		block := all // a fragment of the hook's own
		if c, ok := all["connectors"].(map[string]any); ok {
			block = c["tailhook"].(map[string]any)
		}
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(block).Unmarshal(cfg))
		require.NoError(t, confmap.Validate(cfg))
		if _, fragment := all["policies"]; !fragment {
			assert.Contains(t, all, "service")
		}
	}
}

func TestTheREADMEShowsHowToMove(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```diff\n")
	require.True(t, found)
	diff, _, _ := strings.Cut(rest, "```")
	var before, after []string
	for line := range strings.Lines(diff) {
		sign, code := line[0], line[1:]
		if sign != '+' {
			before = append(before, code)
		}
		if sign != '-' {
			after = append(after, code)
		}
	}
	for file, lines := range map[string][]string{"tail_sampling.yaml": before, "tailhook.yaml": after} {
		text, err := os.ReadFile("testdata/moving/" + file)
		require.NoError(t, err)
		for _, part := range strings.Split(strings.Join(lines, ""), "...\n") {
			assert.Contains(t, string(text), part)
		}
	}
}

func TestTheREADMEHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		if strings.HasPrefix(key, "delivery::retry_on_failure::") {
			continue // those of every exporter
		}
		assert.Contains(t, string(text), "`"+key+"`")
	}
}
