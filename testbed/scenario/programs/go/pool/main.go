// Pool hands each request over a channel to one of POOL goroutines, which makes the call; the handler waits for it.
package main

import (
	"context"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario/programs/go/backend"
)

type job struct {
	id   string
	done chan error
}

func main() {
	client := backend.Client()
	jobs := make(chan job, 4096)
	for range backend.Pool() {
		go func() {
			for j := range jobs {
				j.done <- backend.Call(context.Background(), client, "/b1", j.id)
			}
		}()
	}
	backend.Serve(func(_ context.Context, id string) error {
		j := job{id, make(chan error, 1)}
		jobs <- j
		return <-j.done
	})
}
