package badday_test

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
)

// mark is in all garbage that may become an attribute.
const mark = "garbage"

// garbage are things to say that no server of an HTTP, a Redis or a PostgreSQL
// port expects.
func garbage(rng *rand.Rand) map[string]string {
	random := make([]byte, 4+rng.IntN(4000))
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x5a", 32) + "\x20" + strings.Repeat("\xa5", 32) + "\x00\x02\x13\x01\x01\x00"
	return map[string]string{
		"random bytes":        string(random),
		"a TLS ClientHello":   hello,
		"half an HTTP head":   "GET /" + mark + " HTTP/1.1\r\nHos",
		"half an HTTP body":   "POST /" + mark + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{",
		"a chunk of no size":  "POST /" + mark + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"a head of rubbish":   "GET /" + mark + " HTTP/1.1\r\n" + strings.Repeat("\x00\xff:\r\n", 500),
		"one endless line":    mark + strings.Repeat("x", 1<<20),
		"one endless header":  "GET /" + mark + " HTTP/1.1\r\nX: " + strings.Repeat("y", 1<<20),
		"a command of 2 GiB":  "*1\r\n$2147483647\r\n" + mark,
		"an array of arrays":  strings.Repeat("*1\r\n", 5000),
		"half a command":      "*2\r\n$3\r\nGET\r\n$7\r\ngarb",
		"a startup of 2 GiB":  "\x7f\xff\xff\xff\x00\x03\x00\x00",
		"half a startup":      "\x00\x00\x00\x50\x00\x03\x00\x00user\x00",
		"a query unannounced": "Q\x00\x00\x00\x18SELECT '" + mark + "'\x00",
		"zeros":               strings.Repeat("\x00", 3000),
	}
}

// Whatever arrives on the ports of traced servers, beside valid traffic: the Collector
// lives, holds no more memory than it may, and makes the valid requests whole
// traces, databases included. Of the garbage come errors and opaque exchanges.
func TestGarbageOnEveryPort(t *testing.T) {
	spec := rig.LoadSpec(t, "gunicorn-gthread")
	for i := range spec.Services {
		spec.Services[i].Target = true
	}
	live := rig.StartScenario(t, spec)
	r := rig.Start(t, rig.Options{PIDs: rig.PIDsOf(live), Receiver: []string{"opaque: export", "exchange_timeout: 2s"}})
	warm := rig.Load(t, live, load.Plan{InFlight: 8, Requests: 50, Seed: 1})
	r.Settle(t, 0)
	rss := r.RSS(t)

	var talkers sync.WaitGroup
	for i, port := range []string{"app", "redis", "postgres"} {
		talkers.Go(func() { talk(live.Address(port), rand.New(rand.NewPCG(uint64(i), 1))) })
	}
	log := rig.Load(t, live, load.Plan{InFlight: 8, Requests: 400, Seed: 2})
	talkers.Wait()
	c := r.Settle(t, 0)

	spans := r.Spans()
	spans.Sound(t)
	c.Balanced(t, len(spans))
	result := spans.Score(rig.Measured(append(warm, log...)))
	t.Logf("%d of %d requests whole; calls %+v, joins %+v; counted %v", result.TracesRight, result.Requests, result.Calls, result.Joins, c.Losses())
	assert.Zero(t, result.Unseen)
	assert.Zero(t, result.Calls.Wrong+result.Joins.Wrong)
	assert.GreaterOrEqual(t, result.TracesRight*100, result.Requests*99)
	assert.Zero(t, c.Sum("receiver_ebpf_buffered_bytes"))
	assert.Less(t, r.RSS(t)-rss, 64<<20)
	assert.Empty(t, c.KernelLosses())
	assert.NotContains(t, r.Log(), "panic")

	junk := spans.Where(func(s *rig.Span) bool { return s.Token == 0 && s.Start > warm[len(warm)-1].End })
	require.NotEmpty(t, junk.Containing(mark))
	for _, s := range junk.Containing(mark) {
		code := s.Text("http.response.status_code") // none: that was no HTTP
		assert.True(t, s.Status == ptrace.StatusCodeError || code == "" || code >= "400", "%v %v", s, s.Attributes)
	}
	assert.NotEmpty(t, junk.Where(func(s *rig.Span) bool { return s.Status == ptrace.StatusCodeError }))
	assert.NotEmpty(t, junk.Where(func(s *rig.Span) bool { return strings.HasPrefix(s.Name, "tcp ") }), "opaque exchanges")
}

// talk says each piece of garbage on several connections, most at once, some bit by
// bit, and closes in good order or not.
func talk(address string, rng *rand.Rand) {
	const rounds = 2
	for round := range rounds {
		for _, text := range garbage(rng) {
			c, err := net.Dial("tcp", address)
			if err != nil {
				continue
			}
			_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond)) // some servers wait for the rest
			if round == 1 {
				_, _ = io.WriteString(c, text[:3])
				text = text[3:]
			}
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c)
			if round == 1 {
				_ = c.(*net.TCPConn).SetLinger(0)
			}
			c.Close()
		}
	}
}
