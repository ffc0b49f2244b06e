package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	_ "embed"
)

//go:embed service.py
var servicePython string

// startPool starts a gateway with a worker pool, a threaded service behind it (in
// Python where there is one) and a store behind that.
func startPool(ctx context.Context, s *system) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := s.add(ctx, "store", "ready", []string{"PORT=" + ports[2], "OTEL_SERVICE_NAME=store"}, self, "store"); err != nil {
		return err
	}
	env := []string{"PORT=" + ports[1], "STORE_PORT=" + ports[2], "OTEL_SERVICE_NAME=price"}
	argv := []string{self, "price"}
	if python, err := exec.LookPath("python3"); err == nil {
		argv = []string{python, "-c", servicePython}
	}
	if err := s.add(ctx, "price", "ready", env, argv...); err != nil {
		return err
	}
	env = []string{"PORT=" + ports[0], "BACKEND_PORT=" + ports[1], "OTEL_SERVICE_NAME=gateway"}
	if err := s.add(ctx, "gateway", "ready", env, self, "gateway"); err != nil {
		return err
	}
	s.url = fmt.Sprintf("http://127.0.0.1:%s/orders/%%s", ports[0])
	s.services = []string{"gateway", "price", "store"}
	return nil
}
