package http1_test

import (
	"testing"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/http1"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
)

func TestCaptures(t *testing.T) {
	o := &protocol.Options{ContextHeaders: []string{"sw8"}}
	pcap.Golden(t, http1.Protocol(), o, "../testdata/pcap/http", "testdata/captures.golden")
}
