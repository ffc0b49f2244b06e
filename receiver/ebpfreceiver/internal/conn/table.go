package conn

import (
	"container/list"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// keepExchanges bounds the exchanges kept for reuse.
const keepExchanges = 1024

// Table follows connections and delivers their exchanges.
type Table struct {
	options      Options
	sink         func(*Exchange)
	pool         *stream.Pool
	conns        map[uint64]*connection
	order        *list.List    // of *connection, least recently active first
	busy         []*connection // those in which something is under way
	candidates   uint64        // all of Options.Protocols
	exchanges    []*Exchange   // to reuse
	messages     *protocol.Messages
	pendingCount int
	scratch      stream.Message
	stats        Stats
}

// New returns an empty table. It calls sink with every exchange that ends, which
// is lent to it for the call.
func New(options *Options, sink func(*Exchange)) *Table {
	t := &Table{
		options:    *options,
		sink:       sink,
		pool:       stream.NewPool(options.Bytes),
		conns:      map[uint64]*connection{},
		order:      list.New(),
		candidates: 1<<len(options.Protocols) - 1,
	}
	if options.Parser != nil {
		t.messages = options.Parser.Messages
	}
	return t
}

// Stats returns the counts so far.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Connections, s.Pending, s.Buffered = len(t.conns), t.pendingCount, t.pool.Buffered()
	s.Streams = t.pool.Stats()
	return s
}

// Conn announces a connection.
func (t *Table) Conn(ev *event.Conn) {
	c := t.conns[ev.ID]
	if c == nil {
		c = t.add(ev.ID)
	}
	if c.info.Time != 0 {
		return // announced twice
	}
	role := c.info.Role
	c.info = *ev
	c.texts = [2]string{ev.Local.Addr().String(), ev.Remote.Addr().String()}
	c.seen = !ev.Found
	if c.info.Role == event.RoleUnknown {
		c.info.Role = role
	}
	if c.info.Role == event.RoleUnknown && t.options.Role != nil {
		c.info.Role = t.options.Role(&c.info)
	}
	if t.options.Ignore != nil && t.options.Ignore(&c.info) {
		c.ignored = true
		t.stats.Ignored++
	}
	c.pid = ev.At.PID
	c.active = max(c.active, ev.Time)
}

// IO takes a segment. lossy says that records of its thread just before it are
// known to be missing.
func (t *Table) IO(io *event.IO, lossy bool) {
	c := t.conns[io.ConnID]
	if c == nil {
		c = t.add(io.ConnID)
		t.stats.Unannounced++
	}
	c.pid = io.At.PID
	c.active = io.Exit
	t.order.MoveToBack(c.element)
	if c.ignored {
		return
	}
	if c.info.Role == event.RoleUnknown {
		c.info.Role = io.Role
	}
	c.segment(io, lossy)
	t.note(c)
}

// Close ends a connection. It stays up to the next Tick, for records that the
// close has overtaken.
func (t *Table) Close(ev *event.Close) {
	c := t.conns[ev.ConnID]
	if c == nil {
		return
	}
	c.closing, c.errno, c.closed, c.unconnected = true, ev.Errno, ev.Time, ev.Connecting
	t.note(c)
}

// Retransmit counts a segment that was sent again.
func (t *Table) Retransmit(ev *event.Retransmit) {
	if c := t.conns[ev.ConnID]; c != nil && !c.ignored {
		c.retransmits++
	}
}

// Exit ends the exchanges under way in a process. Its connections stay until
// they close: another process may hold them too.
func (t *Table) Exit(pid uint32, now uint64) {
	for _, c := range t.busy {
		if c.pid == pid {
			c.exit(now)
		}
	}
}

func (t *Table) add(id uint64) *connection {
	for len(t.conns) >= t.options.MaxConnections {
		t.evict()
	}
	c := &connection{table: t, info: event.Conn{ID: id}, candidates: t.candidates}
	for d := range c.half {
		c.half[d].stream.Init(t.pool, event.Direction(d))
	}
	c.element = t.order.PushBack(c)
	t.conns[id] = c
	t.stats.Opened++
	return c
}

// evict drops the connection that was least recently active.
func (t *Table) evict() {
	c := t.order.Front().Value.(*connection)
	t.stats.Evicted++
	t.stats.DroppedEvicted += t.remove(c)
}

// remove forgets c and returns how many exchanges that drops.
func (t *Table) remove(c *connection) (dropped uint64) {
	for e := c.pending.pop(); e != nil; e = c.pending.pop() {
		if !e.reported {
			dropped++
		}
		t.pendingCount--
		t.free(e)
	}
	for d := range c.half {
		c.half[d].stream.Release()
	}
	t.stats.LateRetransmits += uint64(c.retransmits)
	t.unlist(c)
	t.order.Remove(c.element)
	delete(t.conns, c.info.ID)
	return dropped
}

// note keeps c on the busy list exactly as long as something is under way.
func (t *Table) note(c *connection) {
	switch working := c.working(); {
	case working && c.busy == 0:
		t.busy = append(t.busy, c)
		c.busy = len(t.busy)
	case !working:
		t.unlist(c)
	}
}

func (t *Table) unlist(c *connection) {
	if c.busy == 0 {
		return
	}
	last := len(t.busy) - 1
	t.busy[c.busy-1] = t.busy[last]
	t.busy[c.busy-1].busy = c.busy
	t.busy[last] = nil
	t.busy = t.busy[:last]
	c.busy = 0
}

func (c *connection) working() bool {
	return c.closing || c.holding > 0 || c.pending.len() > 0 ||
		!c.half[0].stream.Idle() || !c.half[1].stream.Idle()
}

func (t *Table) newExchange() *Exchange {
	n := len(t.exchanges)
	if n == 0 {
		return &Exchange{}
	}
	e := t.exchanges[n-1]
	t.exchanges = t.exchanges[:n-1]
	return e
}

// free recycles e, which nothing refers to any more.
func (t *Table) free(e *Exchange) {
	if !e.due && !e.torn {
		t.messages.Free(e.RequestMessage)
	}
	t.messages.Free(e.ResponseMessage)
	if len(t.exchanges) >= keepExchanges {
		return
	}
	request, response := e.Request.Handoffs, e.Response.Handoffs
	*e = Exchange{}
	e.Request.Handoffs, e.Response.Handoffs = request[:0], response[:0]
	t.exchanges = append(t.exchanges, e)
}

// deliver hands e to the sink, unless nobody wants it.
func (t *Table) deliver(e *Exchange) {
	switch {
	case e.Opaque && !t.options.Opaque:
		t.stats.DroppedOpaque++
	case e.oneSided():
		t.stats.DroppedOneSided++
	default:
		t.stats.Delivered++
		t.sink(e)
	}
}

// Tick does what time brings, at now (CLOCK_MONOTONIC ns, not before the newest
// event): closed connections end, waiting stops where it was in vain. It then
// calls open, once per connection, with the start of the oldest request that has
// begun and whose exchange has not been delivered, and the role of the process.
func (t *Table) Tick(now uint64, open func(pid uint32, role event.Role, since uint64)) {
	for _, c := range slices.Backward(t.busy) { // c may leave the list
		c.tick(now)
		if since, ok := c.openSince(now); ok {
			open(c.pid, c.info.Role, since)
		}
	}
	limit := uint64(t.options.IdleTimeout)
	for front := t.order.Front(); front != nil; front = t.order.Front() {
		c := front.Value.(*connection)
		if now < c.active+limit {
			return
		}
		t.stats.IdledOut++
		t.remove(c)
	}
}

// Shutdown ends everything: exchanges whose response has begun are delivered, the
// others are counted as dropped.
func (t *Table) Shutdown(now uint64) {
	for _, c := range slices.Backward(t.busy) {
		c.settleRuns()
	}
	for _, c := range t.conns {
		t.stats.DroppedShutdown += t.remove(c)
	}
}
