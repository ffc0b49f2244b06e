package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kernels"
)

// console is what a guest writes, between lines of the kernel's own.
func console(t *testing.T, reports ...kernels.Report) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	for _, r := range reports {
		out.WriteString("[    0.1] a line of the kernel, half")
		require.NoError(t, r.Write(&out))
	}
	return &out
}

func good() []kernels.Report {
	out := []kernels.Report{{Kernel: "6.1.0"}}
	for _, c := range kernels.Cases() {
		out = append(out, kernels.Report{Result: &kernels.Result{Case: c, Attempts: 1, Requests: 12, Programs: 7}})
	}
	return append(out, kernels.Report{Done: true})
}

func TestAKernelIsGoodOnlyIfAllWasSeen(t *testing.T) {
	fit, unfit := release{suite: "new"}, release{suite: "old", unfit: "Linux 5.15 or newer is needed"}
	failing := good()
	failing[3].Result = &kernels.Result{Case: kernels.Cases()[2], Programs: 7, Requests: 12, Errors: []string{"request 3: got nothing\nsecond line"}}
	idle := good()
	idle[3].Result = &kernels.Result{Case: kernels.Cases()[2], Programs: 7}
	for _, test := range []struct {
		name    string
		release release
		reports []kernels.Report
		good    bool
		says    string
	}{
		{"every case is well", fit, good(), true, "Linux 6.1.0 (Debian new)"},
		{"one case fails", fit, failing, false, "request 3: got nothing\n        second line"},
		{"one case has traced nothing", fit, idle, false, "0 requests"},
		{"the guest died half way", fit, good()[:9], false, "8 of 32 cases"},
		{"the guest died at the end", fit, good()[:33], false, "did not get to its end"},
		{"nothing was said", fit, nil, false, "kernel that never spoke"},
		{"an old kernel says why not", unfit, []kernels.Report{{Kernel: "5.10.0"}, {Unfit: "no task storage: Linux 5.15 or newer is needed"}, {Done: true}}, true, "says that it cannot run: no task storage"},
		{"an old kernel says something else", unfit, []kernels.Report{{Kernel: "5.10.0"}, {Unfit: "permission denied"}, {Done: true}}, false, "permission denied"},
		{"an old kernel runs after all", unfit, good(), false, "FAIL"},
		{"a new kernel says it cannot run", fit, []kernels.Report{{Unfit: "no BTF"}, {Done: true}}, false, "no BTF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := read(console(t, test.reports...))
			require.NoError(t, err)
			var table strings.Builder
			assert.Equal(t, test.good, v.print(&table, test.release, time.Second), table.String())
			assert.Contains(t, table.String(), test.says)
		})
	}
}

func TestADamagedReportIsAnError(t *testing.T) {
	_, err := read(strings.NewReader("@kernels {\"Kernel\":"))
	assert.ErrorContains(t, err, "report of the guest")
}
