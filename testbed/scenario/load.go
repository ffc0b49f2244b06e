package scenario

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/delay"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Names of the truth logs in a run's directory. The delay server writes its own.
const (
	RequestLog = "requests.jsonl"
	CallLog    = "calls.jsonl"
)

// Load sends what the scenario's entry says, at the pace and in the number that
// plan says (its address and targets are filled in), and writes RequestLog.
func (l *Live) Load(ctx context.Context, plan load.Plan) (*load.Result, error) {
	plan.Address = l.Address(l.Spec.Entry.Service)
	for _, c := range l.Spec.Entry.Classes {
		plan.Targets = append(plan.Targets, load.Target{
			Class: c.Name, Weight: c.Weight, Path: c.Path, Headers: l.Spec.Entry.Headers,
		})
	}
	res, err := load.Run(ctx, plan)
	if res == nil {
		return nil, err
	}
	if logErr := truth.WriteLog(filepath.Join(l.Dir, RequestLog), res.Log); err == nil {
		err = logErr
	}
	return res, err
}

// Drain returns when the delay server has served as many calls as the requests
// in log must cause, or has served none for a second. Work that goes on after
// the reply is thereby awaited.
func (l *Live) Drain(ctx context.Context, log []truth.Request) error {
	want := l.Spec.expect(log).delayed()
	last, since := -1, time.Now()
	for {
		n, err := l.served(ctx)
		if err != nil {
			return fmt.Errorf("drain: %w", err)
		}
		if n >= want {
			return nil
		}
		if n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) > time.Second {
			return nil // Verify will tell what is missing
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// served asks the delay servers how many calls they have answered.
func (l *Live) served(ctx context.Context) (int, error) {
	// Kept connections would outlive the delay server.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	total := 0
	for _, s := range l.Spec.Services {
		if s.Witness.Kind != witnessDelay {
			continue
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Address(s.Name)+delay.CountPath, nil)
		if err != nil {
			return 0, err
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return 0, err
		}
		n, err := readInt(string(text))
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
