package stitchprocessor

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// chain is three hosts in a row, each with a service that calls a backend and the
// next host's service.
type chain struct {
	world *sim.World
	hosts []*sim.Host
	load  *sim.Load
}

func newChain(ahead ...time.Duration) *chain {
	w := sim.New(7)
	c := &chain{world: w}
	var next sim.Target
	for i := len(ahead) - 1; i >= 0; i-- {
		host := &sim.Host{World: w, ID: fmt.Sprintf("host %d", i), Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), Ahead: ahead[i]}
		c.hosts = append(c.hosts, host)
		next = service(host, next)
	}
	c.load = &sim.Load{World: w, Target: next, Clients: 8, Requests: 300, Think: time.Millisecond}
	return c
}

func service(host *sim.Host, next sim.Target) sim.Target {
	backend := sim.NewBlocking(&sim.Backend{World: host.World, Port: 9090, Min: time.Millisecond, Max: 5 * time.Millisecond})
	var calls *sim.Blocking
	if next != nil {
		calls = sim.NewBlocking(next)
	}
	return &sim.ThreadPerConnection{Process: host.NewProcess("on " + host.ID), Port: 8080, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		backend.Call(t, r)
		if calls != nil {
			calls.Call(t, r)
		}
		return false
	}}
}

// play runs the chain through an agent for each host and a gateway, and returns the
// gateway and how the outcome compares with the truth.
func (c *chain) play(t *testing.T) (*collector, result) {
	agent, behind := defaults(), defaults()
	agent.Fragments = true
	behind.MaxWait, behind.PeerWait = 20*time.Second, 12*time.Second
	gateway := collect(behind)
	agents := map[string]*engine{}
	for _, h := range c.hosts {
		agents[h.ID] = newEngine(agent, func(td ptrace.Traces) {
			c.world.After(30*time.Millisecond, func() { gateway.consume(td, c.world.Now()) })
		})
	}
	c.world.Agent().Deliver = func(td ptrace.Traces) {
		for _, rs := range td.ResourceSpans().All() {
			id, _ := rs.Resource().Attributes().Get("host.id")
			one := ptrace.NewTraces()
			rs.CopyTo(one.ResourceSpans().AppendEmpty())
			agents[id.Str()].consume(one, c.world.Now())
		}
		gateway.tick(c.world.Now())
	}
	c.load.Start()
	c.world.Run(15 * time.Second)
	require.Equal(t, 300, c.load.Done)
	require.Zero(t, gateway.assembly.Held(), "all of it has been released by now")
	c.world.Close()
	return gateway, score(t, c.world.Agent(), gateway.out)
}

func TestAgentsAndAGatewayMakeOneTraceOfARequest(t *testing.T) {
	for name, c := range map[string]*chain{
		"with clocks that agree":      newChain(0, 0, 0),
		"with clocks that are apart":  newChain(0, -time.Second, 300*time.Millisecond),
		"with clocks that are absurd": newChain(0, time.Hour, -24*time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			gateway, r := c.play(t)
			t.Log(r)
			assert.Equal(t, 1500, r.calls)
			assert.Equal(t, r.calls, r.right)
			assert.Equal(t, 600, r.joined)
			assert.Equal(t, 300, r.traces)
			assert.Equal(t, 300, r.settled)
			assert.Equal(t, 600, gateway.assembly.Counts.Joins[join.TwoHosts])
			assert.Equal(t, 2400, gateway.assembly.Counts.Decided)
			assert.Zero(t, gateway.assembly.Counts.Steps)
			assertSkews(t, c, gateway.out)
		})
	}
}

// assertSkews compares the skews on server spans with the truth.
func assertSkews(t *testing.T, c *chain, out []ptrace.Traces) {
	ahead := map[string]time.Duration{}
	for _, h := range c.hosts {
		ahead[h.ID] = h.Ahead
	}
	for _, td := range out {
		for _, rs := range td.ResourceSpans().All() {
			id, _ := rs.Resource().Attributes().Get("host.id")
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				v, ok := span.Attributes().Get(evidence.KeyClockSkew)
				rec := c.world.Agent().Truth[span.SpanID()]
				require.Equal(t, rec.Server && rec.Peer != nil && ahead[id.Str()] != ahead[rec.Peer.Process.Host.ID], ok)
				if ok {
					assert.InDelta(t, ahead[id.Str()]-ahead[rec.Peer.Process.Host.ID], v.Int(), float64(2*time.Millisecond))
				}
			}
		}
	}
}

func TestTranslatedAddressesDoNotHideTheOtherEnd(t *testing.T) {
	c := newChain(0, time.Minute, 0)
	c.world.Translate = func(client, server netip.AddrPort) (netip.AddrPort, netip.AddrPort) {
		return netip.AddrPortFrom(netip.MustParseAddr("192.168.0.1"), client.Port()+1000), netip.AddrPortFrom(server.Addr(), 80)
	}
	gateway, r := c.play(t)
	assert.Equal(t, r.calls, r.right)
	assert.Equal(t, 600, r.joined)
	assert.Equal(t, 300, r.traces)
	assert.Equal(t, 600, gateway.assembly.Counts.Joins[join.Translated])
	assert.Zero(t, gateway.assembly.Counts.Rejected[join.Ambiguous])
}

func TestAClockThatIsSetBreaksNothing(t *testing.T) {
	c := newChain(0, 0, 0)
	c.world.After(80*time.Millisecond, func() { c.hosts[1].Ahead = time.Minute })
	gateway, r := c.play(t)
	assert.Equal(t, 600, r.joined)
	assert.GreaterOrEqual(t, gateway.assembly.Counts.Steps, 2, "to the host before and to the one behind")
}
