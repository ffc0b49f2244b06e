package overhead

import (
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// Arm is a way to run a workload.
type Arm string

// The arms.
const (
	Off     Arm = "off"     // no Collector
	Beside  Arm = "beside"  // a Collector whose programs are attached and that traces something else
	Traced  Arm = "traced"  // stitched, decided and every trace exported
	Sampled Arm = "sampled" // the same, and one trace in a hundred exported
	Earlier Arm = "earlier" // Traced by another Collector: Options.Earlier
)

// Arms returns all arms.
func Arms() []Arm { return []Arm{Off, Beside, Traced, Sampled, Earlier} }

// ParseArms reads a list of arms separated by commas. Off is always one of them.
func ParseArms(text string) ([]Arm, error) {
	out := []Arm{Off}
	for name := range strings.SplitSeq(text, ",") {
		arm := Arm(strings.TrimSpace(name))
		if !slices.Contains(Arms(), arm) {
			return nil, fmt.Errorf("no arm %q: there are %v", arm, Arms())
		}
		if !slices.Contains(out, arm) {
			out = append(out, arm)
		}
	}
	return out, nil
}

// pipeline is an agent's whole pipeline, to a backend that throws everything away.
const pipeline = `
receivers:
  ebpf:
    targets: {include: [%[1]s]}
    %[2]s
processors:
  stitch: {}
  batch: {}
connectors:
  tailhook: {policies: [{name: share, type: probabilistic, probabilistic: {sampling_percentage: %[3]d}}]}
exporters:
  otlphttp: {endpoint: "http://%[4]s", tls: {insecure: true}}
%[5]s
service:
  %[6]s` + collector.Telemetry + `
  pipelines:
    traces/in: {receivers: [ebpf], processors: [stitch], exporters: [tailhook]}
    traces/out: {receivers: [tailhook], processors: [batch], exporters: [otlphttp]}
`

// config returns the configuration of the Collector of an arm. profiler is the
// endpoint of the pprof extension, empty for none.
func (a Arm) config(live *scenario.Live, receiver, sink, profiler string) string {
	targets, share := "{pids: ["+pids(live)+"]}", 100
	switch a {
	case Beside:
		targets = "{exe: /no/such/program}"
	case Sampled:
		share = 1
	}
	extensions, extension := "", ""
	if profiler != "" {
		extensions, extension = fmt.Sprintf("extensions:\n  pprof: {endpoint: %q}", profiler), "extensions: [pprof]"
	}
	return fmt.Sprintf(pipeline, targets, receiver, share, sink, extensions, extension)
}

// pids names the processes of the targets.
func pids(live *scenario.Live) string {
	var out []string
	for _, t := range live.Targets() {
		for _, pid := range t.PIDs {
			out = append(out, fmt.Sprint(pid))
		}
	}
	return strings.Join(out, ", ")
}

// hasComponent says whether the output of `components` names one.
func hasComponent(text, name string) bool { return strings.Contains(text, "- name: "+name+"\n") }
