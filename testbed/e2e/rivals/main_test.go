package rivals_test

import (
	"testing"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

func TestMain(m *testing.M) {
	rig.Main(m, rig.Actors{"instrumented": instrumented, "zipkin": withZipkin, "jaeger": withJaeger})
}

// patience is how long is waited for what must happen, tick how often is looked.
const (
	patience = time.Minute
	tick     = 20 * time.Millisecond
)
