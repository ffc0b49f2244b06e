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
