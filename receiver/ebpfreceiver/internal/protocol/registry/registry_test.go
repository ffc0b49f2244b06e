package registry_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
)

func TestEveryProtocolIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range registry.All() {
		assert.NotEmpty(t, p.Name)
		assert.False(t, seen[p.Name], "%s is there twice", p.Name)
		seen[p.Name] = true
		require.NotNil(t, p.Detect, p.Name)
		require.NotNil(t, p.New, p.Name)
		assert.NotNil(t, p.New(nil), "%s takes no options for the zero ones", p.Name)
		for _, dir := range [...]protocol.Direction{protocol.FromClient, protocol.FromServer} {
			assert.Equal(t, protocol.Unsure, p.Detect(dir, nil), "%s knows nothing from nothing", p.Name)
		}
	}
}

// TestNoTwoProtocolsClaimTheSameBytes runs every detection over every prefix of
// what real clients and servers say first.
func TestNoTwoProtocolsClaimTheSameBytes(t *testing.T) {
	folders := map[string]string{"http": "http", "redis": "redis", "postgre": "postgresql", "mysql": "mysql", "fastcgi": "fastcgi"}
	for folder, name := range folders {
		files, err := filepath.Glob(filepath.Join("../testdata/pcap", folder, "*.pcap"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			connections, err := pcap.ReadFile(file)
			require.NoError(t, err)
			for _, c := range connections {
				checkPrefixes(t, name, protocol.FromClient, c.Conversation.Bytes(protocol.FromClient))
				checkPrefixes(t, name, protocol.FromServer, c.Conversation.Bytes(protocol.FromServer))
			}
		}
	}
}

func checkPrefixes(t *testing.T, name string, dir protocol.Direction, data []byte) {
	t.Helper()
	for n := range min(len(data), 512) {
		for _, p := range registry.All() {
			if p.Name != name {
				require.NotEqual(t, protocol.Yes, p.Detect(dir, data[:n]), "%s claims %q of %s", p.Name, data[:n], name)
			}
		}
	}
}

// TestForeignProtocolsAreNotClaimed asks about the first bytes of protocols that
// none of ours must take for its own.
func TestForeignProtocolsAreNotClaimed(t *testing.T) {
	tests := []struct {
		name           string
		client, server string
	}{
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03"},
		{"MongoDB", "\x3f\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xd4\x07\x00\x00", "\x3f\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"},
		{"Kafka", "\x00\x00\x00\x23\x00\x12\x00\x03\x00\x00\x00\x01\x00\x08producer", "\x00\x00\x01\x00\x00\x00\x00\x01\x00\x00"},
		{"Kafka metadata", "\x00\x00\x00\x14\x00\x03\x00\x00\x00\x00\x00\x01\x00\x04test", "\x00\x00\x00\x40\x00\x00\x00\x01"},
		{"memcached", "get some:key\r\n", "VALUE some:key 0 5\r\nhello\r\nEND\r\n"},
		{"AMQP", "AMQP\x00\x00\x09\x01", "\x01\x00\x00\x00\x00\x01\xf0\x00\x0a\x00\x0a"},
		{"NATS", "CONNECT {\"verbose\":false}\r\n", "INFO {\"server_id\":\"x\"}\r\n"},
		{"SMTP", "EHLO a.example\r\n", "220 a.example ESMTP\r\n"},
		{"SSH", "SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2\r\n"},
		{"MQTT", "\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test", "\x20\x02\x00\x00"},
		{"DNS", "\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example", "\x00\x2d\x12\x34\x81\x80\x00\x01"},
		{"Cassandra", "\x04\x00\x00\x00\x05\x00\x00\x00\x00", "\x84\x00\x00\x00\x06\x00\x00\x00\x40"},
		{"RTSP", "OPTIONS rtsp://a/b RTSP/1.0\r\n", "RTSP/1.0 200 OK\r\n"},
		{"LDAP", "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range registry.All() {
				assert.Equal(t, protocol.No, p.Detect(protocol.FromClient, []byte(tt.client)), "%s, from the client", p.Name)
				assert.Equal(t, protocol.No, p.Detect(protocol.FromServer, []byte(tt.server)), "%s, from the server", p.Name)
			}
		})
	}
}
