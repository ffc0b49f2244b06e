package overhead

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const wrkText = `Running 2s test @ http://127.0.0.1:18080/
  1 threads and 1 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   151.09us    1.21ms  24.19ms   98.21%
    Req/Sec    40.57k     5.12k   47.90k    71.43%
  Latency Distribution
     50%   19.00us
     75%   21.00us
     90%   33.00us
     99%    4.67ms
  85193 requests in 2.10s, 6.09MB read
Requests/sec:  40564.82
Transfer/sec:      2.90MB
`

func TestWrkIsRead(t *testing.T) {
	s, err := parseWrk(wrkText)
	require.NoError(t, err)
	assert.Equal(t, &Sample{Requests: 85193, Elapsed: 2100 * time.Millisecond, P50: 19 * time.Microsecond, P99: 4670 * time.Microsecond}, s)
	assert.InDelta(t, 40568, s.Rate(), 1)
}

func TestWhatIsNoResultOfWrkIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"no output":            "",
		"no total":             "  50%   19.00us\n",
		"a broken time":        "  50%   19.00us\n  1 requests in 2.1.0s, 1B read\n",
		"a broken quantile":    "  50%   1.9.0us\n  1 requests in 2.10s, 1B read\n",
		"sockets that failed":  wrkText + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
		"replies that are not": wrkText + "  Non-2xx or 3xx responses: 85193\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseWrk(text)
			assert.ErrorContains(t, err, "wrk: ")
		})
	}
}

const redisText = `WARNING: Could not fetch server CONFIG
"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"GET","152671.77","4.857","0.176","0.815","4.735","92.671","92.799"
`

func TestRedisBenchmarkIsRead(t *testing.T) {
	s, err := parseRedis(redisText, 20000)
	require.NoError(t, err)
	assert.Equal(t, uint64(20000), s.Requests)
	assert.InDelta(t, 152671.77, s.Rate(), 0.1)
	assert.Equal(t, 815*time.Microsecond, s.P50)
	assert.Equal(t, 92671*time.Microsecond, s.P99)
}

func TestWhatIsNoResultOfRedisBenchmarkIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"no table":         "Could not connect to Redis",
		"no row":           "\"test\",\"rps\"\n",
		"a missing column": "\"test\",\"rps\",\"p50_latency_ms\"\n\"GET\",\"1\",\"1\"\n",
		"a broken number":  "\"test\",\"rps\",\"p50_latency_ms\",\"p99_latency_ms\"\n\"GET\",\"x\",\"1\",\"1\"\n",
		"nothing answered": "\"test\",\"rps\",\"p50_latency_ms\",\"p99_latency_ms\"\n\"GET\",\"0\",\"1\",\"1\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseRedis(text, 1)
			assert.ErrorContains(t, err, "redis-benchmark: ")
		})
	}
}

func TestASampleOfNothingHasNoRate(t *testing.T) {
	assert.Zero(t, (&Sample{Requests: 1}).Rate())
}
