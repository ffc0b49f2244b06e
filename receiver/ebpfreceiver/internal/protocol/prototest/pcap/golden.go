package pcap

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

// Golden plays every connection of the captures in folder against the protocol
// and compares the messages with the section of the capture's name in the txtar
// file golden. PROTOTEST_UPDATE=1 rewrites that file.
func Golden(t *testing.T, p protocol.Protocol, o *protocol.Options, folder, golden string) {
	t.Helper()
	captures, err := filepath.Glob(filepath.Join(folder, "*.pcap"))
	require.NoError(t, err)
	require.NotEmpty(t, captures, "no capture in %s", folder)
	archive := &txtar.Archive{Comment: []byte("What the parser makes of the captures in " + filepath.ToSlash(folder) + ".\n")}
	for _, capture := range captures {
		connections, err := ReadFile(capture)
		require.NoError(t, err)
		archive.Files = append(archive.Files, txtar.File{
			Name: filepath.Base(capture),
			Data: []byte(play(t, p, o, connections)),
		})
	}
	if os.Getenv("PROTOTEST_UPDATE") != "" {
		require.NoError(t, os.WriteFile(golden, txtar.Format(archive), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(txtar.Format(archive)))
}

// play renders what the protocol makes of the connections, and what detection
// says about the first bytes of each end.
func play(t *testing.T, p protocol.Protocol, o *protocol.Options, connections []*Connection) string {
	t.Helper()
	var b strings.Builder
	for _, c := range connections {
		fmt.Fprintf(&b, "# %s to %s, detected: %s from the client, %s from the server\n", c.Client, c.Server,
			verdict(p, protocol.FromClient, c), verdict(p, protocol.FromServer, c))
		d := prototest.NewDriver(p.New(o))
		d.Play(c.Conversation)
		require.NoError(t, d.Err())
		b.WriteString(prototest.Render(d.Records))
		prototest.Splits(t, p, o, c.Conversation)
	}
	return b.String()
}

func verdict(p protocol.Protocol, dir protocol.Direction, c *Connection) string {
	switch p.Detect(dir, c.Conversation.Bytes(dir)) {
	case protocol.Yes:
		return "yes"
	case protocol.No:
		return "no"
	default:
		return "unsure"
	}
}
