package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kernels"
)

// print writes the table of one kernel and reports whether all was well.
func (v *verdict) print(w io.Writer, r release, fetched time.Duration) bool {
	fmt.Fprintf(w, "\nLinux %s (Debian %s): fetched in %.0f s, ran for %.0f s\n",
		v.kernel, r.suite, fetched.Seconds(), v.elapsed.Seconds())
	good := true
	if v.unfit != "" || r.unfit != "" {
		good = r.unfit != "" && strings.Contains(v.unfit, r.unfit)
		fmt.Fprintf(w, "  %s  says that it cannot run: %s\n", mark(good), v.unfit)
	}
	for _, result := range v.results {
		fine := printResult(w, result)
		good = good && fine
	}
	if want := len(kernels.Cases()); r.unfit == "" && len(v.results) != want {
		fmt.Fprintf(w, "  %s  %d of %d cases\n", mark(false), len(v.results), want)
		good = false
	}
	if !v.done {
		fmt.Fprintf(w, "  %s  the guest did not get to its end\n", mark(false))
		good = false
	}
	return good
}

func printResult(w io.Writer, r *kernels.Result) bool {
	good := len(r.Errors) == 0 && r.Programs > 0 && r.Requests > 0
	fmt.Fprintf(w, "  %s  %s: %d programs in %.1f s, %d requests, %d handoffs%s\n",
		mark(good), r.Case, r.Programs, r.Load, r.Requests, r.Handoffs, again(r.Attempts))
	for _, e := range r.Errors {
		fmt.Fprintf(w, "        %s\n", strings.ReplaceAll(e, "\n", "\n        "))
	}
	return good
}

// again tells that the kernel had skipped programs, which were counted.
func again(attempts int) string {
	if attempts < 2 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", attempts)
}

func mark(good bool) string {
	if good {
		return "ok  "
	}
	return "FAIL"
}
