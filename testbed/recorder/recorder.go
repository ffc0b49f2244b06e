package recorder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// config sends the receiver's spans to one sink as they are and to another one
// through the stitch processor. Truth tokens are in query strings and
// statements, so these are not sanitised here; the stitch processor does not
// read them, which the blind check proves.
const config = `
receivers:
  ebpf:
    targets: {include: [{pids: [%s]}]}
    sanitize: {queries: false, statements: false}
    %s
processors:
  stitch:
    %s
exporters:
  otlp/raw: {endpoint: %s, tls: {insecure: true}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
  otlp/stitched: {endpoint: %s, tls: {insecure: true}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service:` + collector.Telemetry + `
  pipelines:
    traces/raw: {receivers: [ebpf], exporters: [otlp/raw]}
    traces/stitched: {receivers: [ebpf], processors: [stitch], exporters: [otlp/stitched]}
`

// Options say how to record. Binary and the scenario's options may be empty.
type Options struct {
	Scenario scenario.Options
	Plan     load.Plan
	Binary   string // see collector.Options
	Receiver string // further lines of the receiver's configuration
	Stitch   string // further lines of the stitch processor's
	// Quiet is how long nothing must come out before the recording ends, unless all
	// that is known to come is out. Default 3 s.
	Quiet time.Duration
}

// Recording is what came of one run.
type Recording struct {
	Spec     *scenario.Spec
	Raw      []ptrace.Traces // batches of the receiver, in their order
	Stitched ptrace.Traces   // with the time of release, see score.KeyReleased
	Requests []truth.Request
	Load     *load.Result
	Report   *scenario.Report   // nil if the services could not be asked
	Metrics  map[string]float64 // of the Collector, see collector.Metrics
}

// quiet is Quiet or its default.
func (o *Options) quiet() time.Duration {
	if o.Quiet == 0 {
		return 3 * time.Second
	}
	return o.Quiet
}

// Record runs a scenario once under the load of the plan.
func Record(ctx context.Context, spec *scenario.Spec, o Options) (*Recording, error) {
	s, err := Open(ctx, spec, o)
	if err != nil {
		return nil, err
	}
	r, err := s.Record(ctx, o.Plan)
	return r, errors.Join(err, s.Close(ctx))
}

// pids names the processes of targets; their forks are traced with them.
func pids(targets []scenario.Target) string {
	var out []string
	for _, t := range targets {
		for _, pid := range t.PIDs {
			out = append(out, fmt.Sprint(pid))
		}
	}
	return strings.Join(out, ", ")
}
