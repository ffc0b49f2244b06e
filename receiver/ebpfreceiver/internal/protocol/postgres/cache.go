package postgres

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

// Bounds of what is remembered for one connection. Beyond them any entry makes
// room; its executions are then nameless.
const (
	maxStatements = 512
	maxPortals    = 64
	maxBytes      = 128 << 10 // of texts
)

// statement is the description of a statement that was parsed; nil when it is
// not known.
type statement = *sqltext.Statement

// cache remembers prepared statements and portals by name; the nameless ones
// apart.
type cache struct {
	statements map[string]statement
	bytes      int
	portals    map[string]statement
	nameless   statement
	current    statement // of the nameless portal
}

func (c *cache) prepare(name string, st statement) {
	if name == "" {
		c.nameless = st
		return
	}
	c.forget(name)
	c.bytes += size(st)
	for other := range c.statements {
		if len(c.statements) < maxStatements && c.bytes <= maxBytes {
			break
		}
		c.forget(other)
	}
	if c.statements == nil {
		c.statements = make(map[string]statement)
	}
	c.statements[name] = st
}

func (c *cache) forget(name string) {
	if st, ok := c.statements[name]; ok {
		c.bytes -= size(st)
		delete(c.statements, name)
	}
}

// bind makes a portal of a statement and returns the latter.
func (c *cache) bind(portal, name string) statement {
	st := c.nameless
	if name != "" {
		st = c.statements[name]
	}
	if portal == "" {
		c.current = st
		return st
	}
	if len(c.portals) >= maxPortals {
		clear(c.portals)
	}
	if c.portals == nil {
		c.portals = make(map[string]statement)
	}
	c.portals[portal] = st
	return st
}

func (c *cache) portal(name string) statement {
	if name == "" {
		return c.current
	}
	return c.portals[name]
}

// close forgets a statement ('S') or a portal ('P').
func (c *cache) close(kind byte, name string) {
	switch {
	case kind == 'P':
		delete(c.portals, name)
	case kind == 'S' && name == "":
		c.nameless = nil
	case kind == 'S':
		c.forget(name)
	}
}

func size(st statement) int { return len(st.Text) + len(st.Summary) }
