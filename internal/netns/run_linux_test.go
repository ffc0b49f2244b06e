package netns

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABodyHasANamespaceOfItsOwnWithALoopback(t *testing.T) {
	for _, name := range []string{"one", "another (with signs)"} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(t *testing.T) {
				devices, err := net.Interfaces()
				require.NoError(t, err)
				require.Len(t, devices, 1)
				assert.NotZero(t, devices[0].Flags&net.FlagUp)
				for _, address := range []string{"127.0.0.1:80", "[::1]:80"} {
					l, err := net.Listen("tcp", address)
					require.NoError(t, err)
					require.NoError(t, l.Close())
				}
			})
		})
	}
}

func TestAFailingBodyFailsTheProcessThatRunsIt(t *testing.T) {
	if os.Getenv(marker) != "" {
		Run(t, func(t *testing.T) { t.Fatal("seen outside") })
	}
	out, err := again(t).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "seen outside")
}
