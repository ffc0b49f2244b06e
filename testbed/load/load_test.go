package load_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

func plan(requests int) load.Plan {
	return load.Plan{
		Address: "server", InFlight: 4, Requests: requests, Seed: 1,
		Targets: []load.Target{{Class: "work", Weight: 1, Path: "/work?id={id}"}},
	}
}

// piped answers each connection with serve, over pipes: no network, and a clock
// that synctest can move.
func piped(serve func(net.Conn)) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}
}

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

// answering replies to every request with the text that reply returns.
func answering(reply func(r *http.Request) string) func(net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err := io.WriteString(c, reply(r)); err != nil {
				return
			}
		}
	}
}

func TestEveryRequestCarriesItsOwnToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[truth.Token]int{}
		p := plan(50)
		p.Warm = 10
		p.Targets[0].Headers = map[string]string{"X-Testbed-Id": "{id}"}
		p.Dial = piped(answering(func(r *http.Request) string {
			mu.Lock()
			defer mu.Unlock()
			tok, _ := truth.Find(r.URL.RawQuery)
			assert.Equal(t, tok.String(), r.Header.Get("X-Testbed-Id"))
			assert.Equal(t, "server", r.Host)
			seen[tok]++
			return okReply
		}))
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.Len(t, seen, 60)
		require.Len(t, res.Log, 60)
		for i, rec := range res.Log {
			assert.Equal(t, truth.NewToken(1, uint64(i)), rec.Token)
			assert.Equal(t, 1, seen[rec.Token])
			assert.Equal(t, i < 10, rec.Phase == truth.PhaseWarm)
		}
		assert.EqualValues(t, 50, res.Latency.Count(), "the warm-up is not measured")
		assert.Empty(t, res.Failures)
	})
}

func TestAClosedLoopKeepsSoManyInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, dials atomic.Int64
		p := plan(80)
		p.Dial = piped(answering(func(*http.Request) string {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(10 * time.Millisecond)
			now.Add(-1)
			return okReply
		}))
		dial := p.Dial
		p.Dial = func(ctx context.Context) (net.Conn, error) {
			dials.Add(1)
			return dial(ctx)
		}
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.EqualValues(t, 4, most.Load())
		assert.EqualValues(t, 4, dials.Load(), "connections are kept")
		assert.Equal(t, 200*time.Millisecond, res.Elapsed)
		assert.InDelta(t, 400, res.RequestsPerSecond(), 1)
		assert.InEpsilon(t, float64(10*time.Millisecond), float64(res.Latency.Quantile(0.5)), 0.04)
	})
}

func TestAnOpenLoopSendsWhenItIsDueWhateverBecomesOfTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(400)
		p.InFlight, p.Rate = 0, 100
		p.Dial = piped(answering(func(*http.Request) string {
			time.Sleep(time.Second)
			return okReply
		}))
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.InEpsilon(t, float64(5*time.Second), float64(res.Elapsed), 0.2)
		var gaps, squares float64
		for i, rec := range res.Log {
			assert.Equal(t, rec.Due, rec.Start, "request %d", i)
			if i > 0 {
				gap := float64(rec.Due-res.Log[i-1].Due) / 1e9
				gaps, squares = gaps+gap, squares+gap*gap
			}
		}
		mean := gaps / 399
		deviation := math.Sqrt(squares/399 - mean*mean)
		assert.InEpsilon(t, 0.01, mean, 0.15)
		assert.InEpsilon(t, mean, deviation, 0.15, "Poisson: gaps are exponential")
	})
}

func TestTheRateOfAnOpenLoopRisesDuringTheWarmUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(1000)
		p.InFlight, p.Rate, p.Warm = 0, 100, 2000
		p.Dial = piped(answering(func(*http.Request) string { return okReply }))
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		at := func(i int) float64 { return float64(res.Log[i].Due-res.Log[0].Due) / 1e9 }
		// 2,000 at a mean rate of 50 take 40 s: a quarter of them the first half of it.
		assert.InDelta(t, 40, at(2000), 4)
		assert.InDelta(t, 20, at(500), 4)
		assert.InDelta(t, 10, at(2999)-at(2000), 2, "and the run has all of it")
	})
}

func TestArrivalsBeyondTheBoundAreCountedAndNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		p := plan(2100)
		p.InFlight, p.Rate, p.Timeout = 0, 1e6, time.Minute
		p.Dial = piped(answering(func(*http.Request) string {
			sent.Add(1)
			time.Sleep(10 * time.Second)
			return okReply
		}))
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.EqualValues(t, 2048, sent.Load())
		assert.Equal(t, 52, res.Overrun)
		assert.EqualValues(t, 2048, res.Latency.Count())
	})
}

func TestClassesComeInTheirWeightsAndTheSameOnesForOneSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(2000)
		p.Targets = []load.Target{{Class: "rare", Weight: 1, Path: "/r?id={id}"}, {Class: "often", Weight: 3, Path: "/o?id={id}"}}
		p.Dial = piped(answering(func(*http.Request) string { return okReply }))
		first, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		second, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		counts := map[string]int{}
		for i := range first.Log {
			counts[first.Log[i].Class]++
			assert.Equal(t, first.Log[i].Class, second.Log[i].Class)
		}
		assert.InDelta(t, 500, counts["rare"], 60)
		assert.InDelta(t, 1500, counts["often"], 60)
	})
}

func TestRepliesOfEveryFraming(t *testing.T) {
	for name, tc := range map[string]struct {
		reply string
		dials int64 // for four requests one after the other
		fail  string
	}{
		"with a length":            {okReply, 1, ""},
		"in chunks":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nok\n\r\n0\r\n\r\n", 1, ""},
		"without a body":           {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 1, ""},
		"closing":                  {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n", 4, ""},
		"of an old server":         {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n", 4, ""},
		"with an error":            {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 1, "status 503"},
		"not HTTP":                 {"SSH-2.0-OpenSSH_9.2 and so on\r\n", 4, "read: other"},
		"with a length of letters": {"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", 4, "read: other"},
		"with chunks of letters":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 4, "read: other"},
		"with a status of letters": {"HTTP/1.1 abc OK\r\n\r\n", 4, "read: other"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int64
				p := plan(4)
				p.InFlight = 1
				dial := piped(answering(func(*http.Request) string { return tc.reply }))
				p.Dial = func(ctx context.Context) (net.Conn, error) {
					dials.Add(1)
					return dial(ctx)
				}
				res, err := load.Run(t.Context(), p)
				require.NoError(t, err)
				assert.Equal(t, tc.dials, dials.Load())
				if tc.fail == "" {
					assert.Empty(t, res.Failures)
				} else {
					assert.Equal(t, map[string]int{tc.fail: 4}, res.Failures)
				}
			})
		})
	}
}

func TestAReplyThatEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(3)
		p.Dial = piped(func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nuntil the end")
			}
		})
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.Empty(t, res.Failures)
		assert.EqualValues(t, 3, res.Latency.Count())
	})
}

func TestFailuresAreCountedByCause(t *testing.T) {
	for name, tc := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"a server that hangs up at once": {func(net.Conn) {}, "write: other"},
		"a server that reads and hangs up": {func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
		}, "read: closed by the server"},
		"a server that never answers": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "read: timeout"},
		"a reply cut off": {func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
		}, "read: closed by the server"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := plan(3)
				p.Dial = piped(tc.serve)
				res, err := load.Run(t.Context(), p)
				require.NoError(t, err)
				assert.Equal(t, map[string]int{tc.want: 3}, res.Failures)
				assert.Zero(t, res.Latency.Count())
				assert.Zero(t, res.RequestsPerSecond())
			})
		})
	}
}

func TestARefusedConnectionIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(2)
		p.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("refused") }
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"dial: other": 2}, res.Failures)
	})
}

// A server may close a kept connection just when it is used again. The request
// has not been read and is sent once more, as any HTTP client does.
func TestARequestOnAConnectionThatIsJustClosedIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(10)
		p.InFlight = 1
		p.Dial = piped(func(c net.Conn) {
			in := bufio.NewReader(c)
			for n := 0; ; n++ {
				if _, err := http.ReadRequest(in); err != nil || n == 1 {
					return // the second request on each connection is not answered
				}
				_, _ = io.WriteString(c, okReply)
			}
		})
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.Empty(t, res.Failures)
		assert.Equal(t, 9, res.Retried)
		assert.False(t, res.Log[0].Retried)
		assert.True(t, res.Log[1].Retried)
	})
}

func TestARunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []float64{0, 10} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			p := plan(1_000_000)
			if p.Rate = rate; rate > 0 {
				p.InFlight = 0
			}
			p.Dial = piped(answering(func(*http.Request) string {
				time.Sleep(10 * time.Millisecond)
				return okReply
			}))
			res, err := load.Run(ctx, p)
			cancel()
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, len(res.Log), 500)
			assert.NotZero(t, res.Latency.Count())
		}
	})
}

func TestTheRunGoesOnFromTheWarmUpWithoutAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int64
		p := plan(20)
		p.InFlight, p.Warm = 4, 12
		p.Dial = piped(answering(func(*http.Request) string {
			if begun.Add(1) == 12 { // the last of the warm-up, which others overtake
				time.Sleep(time.Second)
			}
			time.Sleep(10 * time.Millisecond)
			return okReply
		}))
		res, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		require.Len(t, res.Log, 32)
		last := res.Log[0].End
		for _, rec := range res.Log[:12] {
			last = max(last, rec.End)
		}
		assert.Greater(t, last, res.Log[31].End)
		assert.Less(t, res.Elapsed, 100*time.Millisecond, "the warm-up's last reply is not of the run")
	})
}

func TestBetweenPhasesNothingIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun, atPause atomic.Int64
		p := plan(20)
		p.Warm = 12
		p.Dial = piped(answering(func(*http.Request) string {
			begun.Add(1)
			return okReply
		}))
		p.BetweenPhases = func() { atPause.Store(begun.Load()) }
		_, err := load.Run(t.Context(), p)
		require.NoError(t, err)
		assert.EqualValues(t, 12, atPause.Load())
	})
}

func TestAPlanThatCannotBeRunNamesTheField(t *testing.T) {
	for want, change := range map[string]func(*load.Plan){
		"targets":         func(p *load.Plan) { p.Targets = nil },
		"in_flight, rate": func(p *load.Plan) { p.Rate = 5 },
		"requests, warm":  func(p *load.Plan) { p.Requests = 0 },
		"weight":          func(p *load.Plan) { p.Targets[0].Weight = 0 },
	} {
		p := plan(1)
		change(&p)
		_, err := load.Run(t.Context(), p)
		assert.ErrorContains(t, err, want)
	}
}

func TestQuantilesAreWithinOneThirtySecond(t *testing.T) {
	var h load.Histogram
	assert.Zero(t, h.Quantile(0.5))
	for i := 1; i <= 100_000; i++ {
		h.Add(time.Duration(i) * time.Microsecond)
	}
	for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 1} {
		want := math.Max(q*100_000, 1) * 1000
		got := float64(h.Quantile(q))
		assert.GreaterOrEqual(t, got, want*0.999, "quantile %g", q)
		assert.LessOrEqual(t, got, want*(1+1.0/32)+1, "quantile %g", q)
	}
	h.Add(-1)
	h.Add(math.MaxInt64)
	assert.GreaterOrEqual(t, h.Quantile(1), time.Duration(math.MaxInt64/64*62))
}

// Against a real server over TCP: what the pipes do not show.
func TestRunOverTCP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("x", 10_000))
	}))
	defer server.Close()
	p := plan(200)
	p.Address = server.Listener.Addr().String()
	res, err := load.Run(t.Context(), p)
	require.NoError(t, err)
	assert.EqualValues(t, 200, res.Latency.Count())
	assert.NotZero(t, res.Log[0].Port)
}

func BenchmarkRequest(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer server.Close()
	p := plan(b.N)
	p.Address = server.Listener.Addr().String()
	b.ReportAllocs()
	if _, err := load.Run(b.Context(), p); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h load.Histogram
	for b.Loop() {
		h.Add(12345 * time.Nanosecond)
	}
}
