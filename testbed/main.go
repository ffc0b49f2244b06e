// Testbed runs real programs under load, knows which call belongs to which
// request, and scores what the stitcher and its rivals made of it.
// docs/testbed.md tells how to use it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp): // what was asked for
	case err != nil:
		fmt.Fprintln(os.Stderr, "testbed:", err)
		stop()
		os.Exit(1)
	}
}

// subcommand is one thing the testbed can do.
type subcommand struct {
	name, usage, about string
	run                func(ctx context.Context, args []string, out io.Writer) error
}

func subcommands() []subcommand {
	return []subcommand{
		{"list", "[--json]", "list the scenarios", runList},
		{"install", "[SCENARIO...]", "install the Debian packages of all or some scenarios", runInstall},
		{"run", "[flags] SCENARIO...|all", "run scenarios under load and verify their calls", runScenarios},
		{"record", "[flags] SCENARIO...|all", "run scenarios beside a Collector, keep and score its spans", runRecord},
		{"replay", "[flags] FILE...", "stitch recordings outside of a Collector and score them", runReplay},
		{"accuracy", "[flags] [SCENARIO...]", "sweep scenarios over loads and judge every recording", runAccuracy},
		{"gate", "[flags] [SCENARIO...]", "run the scenarios that have floors; fail if one is missed", runGate},
		{"load", "[flags] URL", "send load to a URL", runLoad},
		{"mask", "--in FILE --out FILE", "overwrite every truth token in a recording", runMask},
		{"score", "[flags] FILE...", "score released spans", runScore},
		{"baseline", "[flags] FILE...", "score the rivals' rules on recorded spans", runBaseline},
		{"blind", "--spans FILE --truth FILE", "score linkers on spans that carry only times", runBlind},
		{"overhead", "[flags] [WORKLOAD...]", "measure what tracing costs programs under load", runOverhead},
		{"bench", "[flags] [WORKLOAD...]", "measure what a request costs in each hook and each stage", runBench},
		{"delay", "[flags]", "serve delayed replies (scenarios start it)", runDelay},
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || strings.TrimLeft(args[0], "-") == "help" || args[0] == "-h" {
		fmt.Fprintln(out, "usage: testbed COMMAND\n\ncommands (each knows --help):")
		for _, c := range subcommands() {
			fmt.Fprintf(out, "  %-9s %-28s %s\n", c.name, c.usage, c.about)
		}
		return nil
	}
	for _, c := range subcommands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out)
		}
	}
	return fmt.Errorf("no command %q; try testbed --help", args[0])
}

// newFlags returns the flags of the command called name.
func newFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("testbed "+name, flag.ContinueOnError)
	for _, c := range subcommands() {
		if c.name == name {
			fs.Usage = func() {
				fmt.Fprintf(fs.Output(), "usage: testbed %s %s\n\n%s\n\n", c.name, c.usage, c.about)
				fs.PrintDefaults()
			}
		}
	}
	return fs
}

// findRoot returns the top of the repository that the working directory is in.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "testbed", "scenario", "catalog")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not inside the repository: no testbed/scenario/catalog above the working directory")
		}
		dir = parent
	}
}
