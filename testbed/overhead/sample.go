package overhead

import (
	"encoding/csv"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Sample is what a stretch of load came to.
type Sample struct {
	Requests uint64
	Elapsed  time.Duration
	P50, P99 time.Duration
}

// Rate returns requests per second.
func (s *Sample) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Requests) / s.Elapsed.Seconds()
}

// Lines of wrk 4: `  50%   19.00us`, `  40564 requests in 2.10s, 2.66MB read`.
var (
	wrkQuantile = regexp.MustCompile(`(?m)^\s*(50|99)%\s+([\d.]+[a-z]+)$`)
	wrkTotal    = regexp.MustCompile(`(\d+) requests in ([\d.]+[a-z]+),`)
	wrkFailed   = regexp.MustCompile(`(?m)^\s*(Socket errors: .*|Non-2xx or 3xx responses: .*)$`)
)

// parseWrk reads what `wrk --latency` prints. Failed requests are an error.
func parseWrk(text string) (*Sample, error) {
	if failed := wrkFailed.FindString(text); failed != "" {
		return nil, fmt.Errorf("wrk: %s", strings.TrimSpace(failed))
	}
	total := wrkTotal.FindStringSubmatch(text)
	if total == nil {
		return nil, fmt.Errorf("wrk: no total in %q", text)
	}
	requests, err1 := strconv.ParseUint(total[1], 10, 64)
	elapsed, err2 := time.ParseDuration(total[2])
	s := &Sample{Requests: requests, Elapsed: elapsed}
	errs := []error{err1, err2}
	for _, m := range wrkQuantile.FindAllStringSubmatch(text, -1) {
		d, err := time.ParseDuration(m[2])
		errs = append(errs, err)
		if m[1] == "50" {
			s.P50 = d
		} else {
			s.P99 = d
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("wrk: %w", err)
	}
	return s, nil
}

// parseRedis reads what `redis-benchmark --csv` prints of n requests.
func parseRedis(text string, n uint64) (*Sample, error) {
	at := strings.Index(text, `"test"`)
	if at < 0 {
		return nil, fmt.Errorf("redis-benchmark: no table in %q", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text[at:])).ReadAll()
	if err != nil || len(rows) != 2 {
		return nil, fmt.Errorf("redis-benchmark: want one row in %q: %w", text, err)
	}
	var errs []error
	number := func(column string) float64 {
		for i, name := range rows[0] {
			if name == column {
				v, err := strconv.ParseFloat(rows[1][i], 64)
				errs = append(errs, err)
				return v
			}
		}
		errs = append(errs, fmt.Errorf("no column %s", column))
		return 0
	}
	ms := func(column string) time.Duration { return time.Duration(number(column) * float64(time.Millisecond)) }
	s := &Sample{Requests: n, P50: ms("p50_latency_ms"), P99: ms("p99_latency_ms")}
	rate := number("rps")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("redis-benchmark: %w", err)
	}
	if rate <= 0 {
		return nil, fmt.Errorf("redis-benchmark: no rate in %q", text)
	}
	s.Elapsed = time.Duration(float64(n) / rate * float64(time.Second))
	return s, nil
}
