package collector

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Telemetry is the `service::telemetry` section that serves the Collector's own
// metrics where Metrics reads them. It goes into Options.Config.
const Telemetry = `
  telemetry:
    logs: {level: info}
    metrics:
      level: detailed
      readers:
        - pull:
            exporter:
              prometheus: {host: 127.0.0.1, port: ${METRICS}, without_scope_info: true, without_type_suffix: true, without_units: true}
`

// Metrics returns the Collector's own metrics: the sum over all label sets of a
// name, and the value of each label set as `name{label=value,...}` without the
// labels that name the service. The configuration must hold Telemetry.
func (c *Collector) Metrics(ctx context.Context) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("read the Collector's metrics: %w", err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the Collector's metrics: %w", err)
	}
	out := map[string]float64{}
	for name, family := range families {
		for _, m := range family.Metric {
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
			out[name] += value
			var labels []string
			for _, l := range m.Label {
				if !strings.HasPrefix(l.GetName(), "service_") && !strings.HasPrefix(l.GetName(), "otel_scope") {
					labels = append(labels, l.GetName()+"="+l.GetValue())
				}
			}
			out[name+"{"+strings.Join(labels, ",")+"}"] += value
		}
	}
	return out, nil
}
