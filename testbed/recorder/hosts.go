package recorder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// agentConfig is that of the agent of one host, after config/agent.yaml.
const agentConfig = `
receivers:
  ebpf:
    targets: {include: [{pids: [%s]}], host_id: %q}
    sanitize: {queries: false, statements: false}
    %s
processors:
  stitch:
    fragments: true
    %s
exporters:
  otlp/raw: {endpoint: %s, tls: {insecure: true}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
  otlp/gateway: {endpoint: "127.0.0.1:%s", tls: {insecure: true}}
service:` + collector.Telemetry + `
  pipelines:
    traces/raw: {receivers: [ebpf], exporters: [otlp/raw]}
    traces/stitched: {receivers: [ebpf], processors: [stitch], exporters: [otlp/gateway]}
`

// gatewayConfig is that of the gateway, after config/gateway.yaml.
const gatewayConfig = `
receivers:
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:%s"}}}
processors:
  stitch: {max_wait: 20s, peer_wait: 12s}
exporters:
  otlp: {endpoint: %s, tls: {insecure: true}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service:` + collector.Telemetry + `
  pipelines:
    traces: {receivers: [otlp], processors: [stitch], exporters: [otlp]}
`

// fleet is the Collectors of a recording, each before those that it exports to.
type fleet []*collector.Collector

// last is the one that releases traces.
func (f fleet) last() *collector.Collector { return f[len(f)-1] }

// stop ends all of them in order, so that what one holds gets to the next.
func (f fleet) stop() error {
	var err error
	for _, c := range f {
		err = errors.Join(err, c.Stop())
	}
	return err
}

// start starts one Collector, or for a scenario with hosts an agent on each of them and
// a gateway behind. It returns those that run even if there is an error.
func (s *Session) start(ctx context.Context, raw, stitched *collector.Sink) (fleet, error) {
	if len(s.live.Spec.Hosts) > 0 {
		return s.startHosts(ctx, raw, stitched)
	}
	c, err := collector.Start(ctx, collector.Options{
		Binary: s.o.Binary, Sink: stitched,
		Config: fmt.Sprintf(config, pids(s.live.Targets()), s.o.Receiver, s.o.Stitch, raw.Endpoint(), stitched.Endpoint()),
	})
	if err != nil {
		return nil, err
	}
	return fleet{c}, nil
}

func (s *Session) startHosts(ctx context.Context, raw, stitched *collector.Sink) (fleet, error) {
	port, err := collector.FreePort()
	if err != nil {
		return nil, err
	}
	gateway, err := collector.Start(ctx, collector.Options{
		Binary: s.o.Binary, Sink: stitched, Config: fmt.Sprintf(gatewayConfig, port, stitched.Endpoint()),
	})
	if err != nil {
		return nil, err
	}
	f := fleet{gateway}
	for _, host := range s.live.Spec.Hosts {
		targets := slices.DeleteFunc(s.live.Targets(), func(t scenario.Target) bool { return t.Host != host })
		if len(targets) == 0 {
			continue
		}
		c, err := collector.Start(ctx, collector.Options{
			Binary: s.o.Binary, Sink: raw,
			Config: fmt.Sprintf(agentConfig, pids(targets), host, s.o.Receiver, s.o.Stitch, raw.Endpoint(), port),
		})
		if err != nil {
			return f, fmt.Errorf("agent of host %s: %w", host, err)
		}
		f = append(fleet{c}, f...)
	}
	return f, nil
}
