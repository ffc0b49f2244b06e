// Direct makes two calls one after the other on the handler's goroutine.
package main

import (
	"context"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario/programs/go/backend"
)

func main() {
	client := backend.Client()
	backend.Serve(func(ctx context.Context, id string) error {
		if err := backend.Call(ctx, client, "/b1", id); err != nil {
			return err
		}
		return backend.Call(ctx, client, "/b2", id)
	})
}
