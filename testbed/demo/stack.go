package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// stackScenario is nginx → gunicorn (sync workers) → PostgreSQL and Redis.
const stackScenario = "nginx-gunicorn-databases"

// startStack starts the real stack of the testbed; it installs the Debian
// packages that are missing, after saying so.
func startStack(ctx context.Context, s *system) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	spec, err := scenario.Load(root, stackScenario)
	if err != nil {
		return fmt.Errorf("%w (run this from the top of the repository)", err)
	}
	live, err := scenario.Start(ctx, spec, scenario.Options{Root: root, Install: true, Out: os.Stdout})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { return live.Close(context.WithoutCancel(ctx)) })
	for _, t := range live.Targets() {
		s.pids = append(s.pids, t.PIDs...)
		s.services = append(s.services, t.Service)
	}
	path := strings.Replace(spec.Entry.Classes[0].Path, "{id}", "%s", 1)
	s.url = fmt.Sprintf("http://%s%s", live.Address(spec.Entry.Service), path)
	return nil
}
