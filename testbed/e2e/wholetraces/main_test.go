package wholetraces_test

import (
	"testing"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m, nil) }
