package pcap_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
)

const (
	fin = 0x01
	syn = 0x02
	rst = 0x04
	ack = 0x10
)

// packet is a TCP segment from port 1000 to port 80, or back.
type packet struct {
	back    bool
	flags   byte
	seq     uint32
	payload string
	cut     int // bytes of the payload that were not captured
}

// tcp returns the segment with its header.
func (p packet) tcp() []byte {
	src, dst := uint16(1000), uint16(80)
	if p.back {
		src, dst = dst, src
	}
	b := binary.BigEndian.AppendUint16(nil, src)
	b = binary.BigEndian.AppendUint16(b, dst)
	b = binary.BigEndian.AppendUint32(b, p.seq)
	b = append(b, 0, 0, 0, 0, 5<<4, p.flags|ack, 0, 0, 0, 0, 0, 0)
	return append(b, p.payload...)
}

func (p packet) addresses(size int) (src, dst []byte) {
	src, dst = make([]byte, size), make([]byte, size)
	src[size-1], dst[size-1] = 1, 2
	if p.back {
		src, dst = dst, src
	}
	return src, dst
}

func (p packet) ipv4() []byte {
	body := p.tcp()
	src, dst := p.addresses(4)
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(body)))
	b = append(b, 0, 0, 0, 0, 64, 6, 0, 0)
	b = append(append(append(b, src...), dst...), body...)
	return b[:len(b)-p.cut]
}

func (p packet) ipv6() []byte {
	body := p.tcp()
	src, dst := p.addresses(16)
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, 6, 64)
	return append(append(append(b, src...), dst...), body...)
}

// file writes a capture of the given link type.
func file(order binary.AppendByteOrder, link uint32, frames ...[]byte) []byte {
	b := order.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, make([]byte, 16)...)
	b = order.AppendUint32(b, link)
	for _, f := range frames {
		b = append(b, make([]byte, 8)...)
		b = order.AppendUint32(b, uint32(len(f)))
		b = order.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

// ethernet puts a frame header before a packet.
func ethernet(b []byte, types ...byte) []byte {
	return append(append(make([]byte, 12), types...), b...)
}

// capture writes packets as raw IPv4.
func capture(packets ...packet) []byte {
	var frames [][]byte
	for _, p := range packets {
		frames = append(frames, p.ipv4())
	}
	return file(binary.LittleEndian, 101, frames...)
}

func conversation(t *testing.T, data []byte) string {
	t.Helper()
	connections, err := pcap.Read(data)
	require.NoError(t, err)
	require.Len(t, connections, 1)
	return connections[0].Conversation.String()
}

func TestRead(t *testing.T) {
	tests := []struct {
		name    string
		packets []packet
		want    string
	}{
		{
			"a connection from its first packet on",
			[]packet{
				{flags: syn, seq: 100},
				{back: true, flags: syn, seq: 500},
				{seq: 101, payload: "ask"},
				{back: true, seq: 501, payload: "answer"},
				{flags: fin, seq: 104},
				{back: true, flags: rst, seq: 507},
			},
			"C: ask\nS: answer\nC close\nS close\n",
		},
		{
			"a connection met in the middle",
			[]packet{{back: true, seq: 7, payload: "a"}, {seq: 9, payload: "b"}},
			"S: a\nC: b\n",
		},
		{
			"segments out of order and sent again",
			[]packet{
				{seq: 1, payload: "ab"}, {seq: 5, payload: "ef"}, {seq: 1, payload: "ab"},
				{seq: 3, payload: "cd"}, {seq: 2, payload: "bcdefgh"}, {seq: 9, payload: ""},
			},
			"C: ab\nC: cd\nC: ef\nC: gh\n",
		},
		{
			"sequence numbers that wrap",
			[]packet{{seq: 0xfffffffe, payload: "abc"}, {seq: 3, payload: "fg"}, {seq: 1, payload: "de"}},
			"C: abc\nC: de\nC: fg\n",
		},
		{
			"a segment that never came",
			[]packet{{seq: 1, payload: "ab"}, {seq: 8, payload: "c"}, {back: true, seq: 1, payload: "d"}},
			"C: ab\nS: d\nC gap 5\nC: c\n",
		},
		{
			"a packet cut by the capture",
			[]packet{{seq: 1, payload: "abcdef", cut: 4}, {seq: 7, payload: "g"}},
			"C: ab\nC gap 4\nC: g\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, conversation(t, capture(tt.packets...)))
		})
	}
}

func TestLinkTypes(t *testing.T) {
	p := packet{seq: 1, payload: "hello"}
	tests := map[string][]byte{
		"Ethernet":               file(binary.LittleEndian, 1, ethernet(p.ipv4(), 8, 0)),
		"Ethernet with a VLAN":   file(binary.LittleEndian, 1, ethernet(p.ipv4(), 0x81, 0, 0, 5, 8, 0)),
		"Ethernet with padding":  file(binary.LittleEndian, 1, append(ethernet(p.ipv4(), 8, 0), 0, 0, 0)),
		"Ethernet with IPv6":     file(binary.LittleEndian, 1, ethernet(p.ipv6(), 0x86, 0xdd)),
		"a cooked capture":       file(binary.LittleEndian, 113, append(make([]byte, 16), p.ipv4()...)),
		"the other byte order":   file(binary.BigEndian, 101, p.ipv6()),
		"other packets about it": file(binary.LittleEndian, 101, []byte{0x45, 0, 0}, p.ipv4(), make([]byte, 60), nil),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "C: hello\n", conversation(t, data))
		})
	}
	t.Run("an unknown one has nothing to say", func(t *testing.T) {
		connections, err := pcap.Read(file(binary.LittleEndian, 147, p.ipv4()))
		require.NoError(t, err)
		assert.Empty(t, connections)
	})
}

func TestConnectionsAreToldApart(t *testing.T) {
	connections, err := pcap.Read(capture(
		packet{flags: syn, seq: 1}, packet{seq: 2, payload: "first"},
		packet{flags: syn, seq: 9000}, packet{seq: 9001, payload: "second"},
	))
	require.NoError(t, err)
	require.Len(t, connections, 2)
	assert.Equal(t, "C: first\n", connections[0].Conversation.String())
	assert.Equal(t, "C: second\n", connections[1].Conversation.String())
	assert.EqualValues(t, 1000, connections[0].Client.Port())
	assert.EqualValues(t, 80, connections[0].Server.Port())
}

func TestBrokenFiles(t *testing.T) {
	good := capture(packet{seq: 1, payload: "hello"})
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"another format":  make([]byte, 100),
		"half a header":   good[:30],
		"half a packet":   good[:len(good)-1],
		"less than a bit": good[:10],
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pcap.Read(data)
			assert.Error(t, err)
		})
	}
	t.Run("a file that is not there", func(t *testing.T) {
		_, err := pcap.ReadFile(filepath.Join(t.TempDir(), "none"))
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
}

func FuzzRead(f *testing.F) {
	f.Add(capture(packet{flags: syn, seq: 1}, packet{seq: 9, payload: "a"}, packet{seq: 2, payload: "abc", cut: 1}))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = pcap.Read(data)
	})
}
