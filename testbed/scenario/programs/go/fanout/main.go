// Fanout makes three calls at once, each on a goroutine of its own, and waits for all.
package main

import (
	"context"
	"errors"
	"sync"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario/programs/go/backend"
)

func main() {
	client := backend.Client()
	backend.Serve(func(ctx context.Context, id string) error {
		paths := []string{"/b1", "/b2", "/b3"}
		errs := make([]error, len(paths))
		var wg sync.WaitGroup
		for i, path := range paths {
			wg.Go(func() { errs[i] = backend.Call(ctx, client, path, id) })
		}
		wg.Wait()
		return errors.Join(errs...)
	})
}
