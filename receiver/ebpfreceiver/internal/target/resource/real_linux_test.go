package resource

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRealHost(t *testing.T) {
	host, err := ReadHost("")
	require.NoError(t, err)
	assert.NotEmpty(t, host.ID)
	name, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, name, host.Name)
	assert.Less(t, host.Boot.Unix(), time.Now().Unix())
}
