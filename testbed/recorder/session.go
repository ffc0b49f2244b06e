package recorder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Session is a scenario whose services are up and that is recorded under one load
// after the other, each time by a Collector of its own. Close it. It is not safe
// for concurrent use.
type Session struct {
	live *scenario.Live
	o    Options
	logs [][]truth.Request // of all loads, those before any recording included
	made []*Recording      // one for each log; nil: not recorded
}

// Open starts the services of spec. The plan of o is not looked at.
func Open(ctx context.Context, spec *scenario.Spec, o Options) (*Session, error) {
	live, err := scenario.Start(ctx, spec, o.Scenario)
	if err != nil {
		return nil, err
	}
	return &Session{live: live, o: o}, nil
}

// Touch sends the load of plan without a Collector: what comes later finds services
// that have been at work.
func (s *Session) Touch(ctx context.Context, plan load.Plan) error {
	r, err := s.load(ctx, plan)
	if err != nil {
		return err
	}
	s.made = append(s.made, nil)
	if len(r.Failures) > 0 {
		return fmt.Errorf("load: requests failed: %v", r.Failures)
	}
	return nil
}

// load sends plan and returns when all that it has caused is over.
func (s *Session) load(ctx context.Context, plan load.Plan) (*load.Result, error) {
	r, err := s.live.Load(ctx, plan)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	s.logs = append(s.logs, r.Log)
	return r, s.live.Drain(ctx, slices.Concat(s.logs...))
}

// Record runs a Collector and sends the load of plan. Plans need seeds of their own:
// a token that comes twice is no truth. The Report of what it returns is nil until
// Close, as the services tell what they saw only when they have ended.
func (s *Session) Record(ctx context.Context, plan load.Plan) (*Recording, error) {
	raw, err := collector.NewSink()
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	stitched, err := collector.NewSink()
	if err != nil {
		return nil, err
	}
	defer stitched.Close()
	f, err := s.start(ctx, raw, stitched)
	if err != nil {
		return nil, errors.Join(err, f.stop())
	}
	r := &Recording{Spec: s.live.Spec}
	if err := errors.Join(s.run(ctx, r, f.last(), raw, plan), f.stop()); err != nil {
		return nil, err
	}
	r.Raw, r.Stitched = raw.Batches(), stitched.Take()
	return r, nil
}

func (s *Session) run(ctx context.Context, r *Recording, c *collector.Collector, raw *collector.Sink, plan load.Plan) error {
	var err error
	if r.Load, err = s.load(ctx, plan); err != nil {
		return err
	}
	r.Requests = r.Load.Log
	s.made = append(s.made, r)
	if err := newOutcome(raw, c.Sink, r.Requests).wait(ctx, s.o.quiet()); err != nil {
		return err
	}
	r.Metrics, err = c.Metrics(ctx)
	return err
}

// Close stops the services and fills in the reports of all recordings made.
func (s *Session) Close(ctx context.Context) error {
	var err error
	if len(s.made) > 0 {
		err = s.verify(ctx)
	}
	return errors.Join(err, s.live.Close(context.WithoutCancel(ctx)))
}

func (s *Session) verify(ctx context.Context) error {
	reports, err := s.live.VerifyEach(ctx, s.logs)
	for i, r := range s.made {
		switch {
		case i >= len(reports):
		case r != nil:
			r.Report = reports[i]
		case !reports[i].OK():
			err = errors.Join(err, fmt.Errorf("before the recording calls are not as they should be: %v", reports[i].Examples))
		}
	}
	return err
}
