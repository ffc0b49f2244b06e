package scenario

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Kinds of witnesses.
const (
	witnessDelay = "delay" // its call log
	witnessLog   = "log"   // a log with one line for each call
	witnessRedis = "redis" // a counter for each token
)

// call is one kind of call of one request.
type call struct {
	token truth.Token
	name  string // as in Class.Calls
}

// calls counts calls.
type calls map[call]int

// expect returns what the answered requests in log must have caused.
func (s *Spec) expect(log []truth.Request) calls {
	classes := map[string]map[string]int{}
	for _, c := range s.Entry.Classes {
		classes[c.Name] = c.Calls
	}
	out := calls{}
	for _, r := range log {
		if r.Error != "" {
			continue
		}
		for name, n := range classes[r.Class] {
			out[call{r.Token, name}] += n
		}
	}
	return out
}

// delayed returns how many of c go to the delay server.
func (c calls) delayed() (n int) {
	for k, count := range c {
		if strings.HasPrefix(k.name, "/") {
			n += count
		}
	}
	return n
}

// Report says whether every request made the calls that it should.
type Report struct {
	Requests int      `json:"requests"` // answered, warm-up included
	Failed   int      `json:"failed"`   // not answered, or with an error; not judged
	Calls    int      `json:"calls"`    // seen by the backends
	Missing  int      `json:"missing"`  // calls that should have been and were not
	Extra    int      `json:"extra"`    // calls that should not have been
	Examples []string `json:"examples,omitempty"`
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool {
	return r.Requests > 0 && r.Failed == 0 && r.Missing == 0 && r.Extra == 0
}

// maxExamples is how many wrong calls a Report spells out.
const maxExamples = 5

// Verify stops the services, which completes their logs, and compares what the
// backends saw with what the requests in log must have caused. Redis is asked
// before it is stopped.
func (l *Live) Verify(ctx context.Context, log []truth.Request) (*Report, error) {
	reports, err := l.VerifyEach(ctx, [][]truth.Request{log})
	if err != nil {
		return nil, err
	}
	return reports[0], nil
}

// VerifyEach is Verify for the logs of several loads that one start of the services
// has served. It returns a report for each. A call with a token of none of them
// counts as extra in the last.
func (l *Live) VerifyEach(ctx context.Context, logs [][]truth.Request) ([]*Report, error) {
	seen, err := l.seen(ctx)
	if err != nil {
		return nil, err
	}
	var reports []*Report
	for i, log := range logs {
		own := seen
		if i < len(logs)-1 {
			own = seen.take(log)
		}
		r := compare(log, l.Spec.expect(log), own)
		l.failed = l.failed || !r.OK()
		reports = append(reports, r)
	}
	return reports, nil
}

// take removes the calls of the requests in log and returns them.
func (c calls) take(log []truth.Request) calls {
	of := map[truth.Token]bool{}
	for _, r := range log {
		of[r.Token] = true
	}
	out := calls{}
	for k, n := range c {
		if of[k.token] {
			out[k] = n
			delete(c, k)
		}
	}
	return out
}

// seen stops the services and returns what the backends saw.
func (l *Live) seen(ctx context.Context) (calls, error) {
	seen := calls{}
	for _, s := range l.Spec.Services {
		if s.Witness.Kind == witnessRedis {
			if err := seen.askRedis(ctx, s.Name, l.layout.ports[s.Name]); err != nil {
				return nil, fmt.Errorf("verify: %w", err)
			}
		}
	}
	if hook := l.opts.Hooks.Stopping; hook != nil {
		if err := hook(ctx, l); err != nil {
			return nil, err
		}
		l.opts.Hooks.Stopping = nil
	}
	if err := l.stop(); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	for i := range l.Spec.Services {
		if err := seen.readLogs(&l.Spec.Services[i], l.layout.serviceDir(l.Spec.Services[i].Name)); err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
	}
	return seen, nil
}

func (c calls) readLogs(s *Service, dir string) error {
	switch s.Witness.Kind {
	case witnessDelay:
		log, err := truth.ReadLog[truth.Call](filepath.Join(dir, CallLog))
		for _, rec := range log {
			c[call{rec.Token, rec.Path}]++
		}
		return err
	case witnessLog:
		return c.readText(s.Name, filepath.Join(dir, s.Witness.File), s.Witness.Match)
	}
	return nil
}

func (c calls) readText(service, path, match string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), match) {
			continue
		}
		if t, at := truth.Find(lines.Text()); at >= 0 {
			c[call{t, service}]++
		}
	}
	return lines.Err()
}

// askRedis reads counters, whose keys end in the token.
func (c calls) askRedis(ctx context.Context, service string, port int) error {
	const script = `local r = {} for _, k in ipairs(redis.call('KEYS', '*')) do r[#r+1] = k .. ' ' .. redis.call('GET', k) end return r`
	out, err := exec.CommandContext(ctx, "redis-cli", "-p", strconv.Itoa(port), "--raw", "EVAL", script, "0").Output()
	if err != nil {
		return fmt.Errorf("ask redis: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		t, at := truth.Find(key)
		n, err := strconv.Atoi(value)
		if at >= 0 && err == nil {
			c[call{t, service}] += n
		}
	}
	return nil
}

func compare(log []truth.Request, want, seen calls) *Report {
	r := &Report{}
	failed := map[truth.Token]bool{}
	for _, req := range log {
		if req.Error != "" {
			failed[req.Token] = true
		}
	}
	r.Failed, r.Requests = len(failed), len(log)-len(failed)
	all := map[call]bool{}
	for k := range want {
		all[k] = true
	}
	for k, n := range seen {
		r.Calls += n
		all[k] = all[k] || k.token != 0
	}
	var wrong []call
	for k, counts := range all {
		if !counts || failed[k.token] || want[k] == seen[k] {
			continue
		}
		r.Missing += max(want[k]-seen[k], 0)
		r.Extra += max(seen[k]-want[k], 0)
		wrong = append(wrong, k)
	}
	slices.SortFunc(wrong, func(a, b call) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.name, b.name))
	})
	for _, k := range wrong[:min(len(wrong), maxExamples)] {
		r.Examples = append(r.Examples, fmt.Sprintf("%v %s: want %d, seen %d", k.token, k.name, want[k], seen[k]))
	}
	return r
}
