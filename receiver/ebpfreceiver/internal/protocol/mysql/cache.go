package mysql

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

// Bounds of what is remembered for one connection. Beyond them any entry makes
// room; its executions are then nameless.
const (
	maxStatements = 512
	maxBytes      = 128 << 10 // of texts
)

// lastPrepared stands for the statement that was prepared last (MariaDB).
const lastPrepared = 1<<32 - 1

// statement is the description of a statement; nil when it is not known.
type statement = *sqltext.Statement

// cache remembers prepared statements by their ids.
type cache struct {
	statements map[uint32]statement
	bytes      int
	last       statement // prepared, answered or not
}

func (c *cache) prepare(id uint32, st statement) {
	c.forget(id)
	c.bytes += size(st)
	for other := range c.statements {
		if len(c.statements) < maxStatements && c.bytes <= maxBytes {
			break
		}
		c.forget(other)
	}
	if c.statements == nil {
		c.statements = make(map[uint32]statement)
	}
	c.statements[id] = st
}

func (c *cache) forget(id uint32) {
	if st, ok := c.statements[id]; ok {
		c.bytes -= size(st)
		delete(c.statements, id)
	}
}

func (c *cache) lookup(id uint32) statement {
	if id == lastPrepared {
		return c.last
	}
	return c.statements[id]
}

func size(st statement) int { return len(st.Text) + len(st.Summary) }
