// Package registry is the table of all protocols that the receiver can parse. A
// new protocol is one folder beside this one and one line here.
package registry

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/fastcgi"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/http1"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/mysql"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/postgres"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/redis"
)

// All returns the protocols in the order in which detection asks them: those
// that are surest of their first bytes come first. The slice is the caller's.
func All() []protocol.Protocol {
	return []protocol.Protocol{
		http1.Protocol(),
		redis.Protocol(),
		postgres.Protocol(),
		fastcgi.Protocol(),
		mysql.Protocol(),
	}
}
