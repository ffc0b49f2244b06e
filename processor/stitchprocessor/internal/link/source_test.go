package link_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// The connections are older than the agent: the kernel side did not know what the
// thread that woke the other one had read.
func TestTheSpanOfASourceTellsWhatItWas(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         []string
	}{
		{"the reply of a call", "1<R 5>a 5<a 1wait 5w1/a0 1>R", []string{"completion a R"}},
		{"a request", "5<S 1<R 5>a 1wait 5>S 5<T 5w1/a0 1>R 5>T 5<a", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, reverse := range []bool{false, true} {
				l, p, claims := newLinker()
				s := read(t, tt.script)
				for i := range s.spans["R"].exchange.Response.Handoffs {
					s.spans["R"].exchange.Response.Handoffs[i].Source = evidence.Unknown
				}
				s.deliver(l, p, reverse)
				got := []string{}
				for _, c := range *claims {
					if c[:10] == "completion" {
						got = append(got, c)
					}
				}
				assert.ElementsMatch(t, tt.want, got)
			}
		})
	}
}
