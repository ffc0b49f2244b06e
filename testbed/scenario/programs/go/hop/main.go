// Hop makes a call to the delay server and then passes the request on to the service at NEXT, if there is one.
package main

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario/programs/go/backend"
)

func main() {
	client, next := backend.Client(), os.Getenv("NEXT")
	backend.Serve(func(ctx context.Context, id string) error {
		if err := backend.Call(ctx, client, os.Getenv("CALL"), id); err != nil || next == "" {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+next+"/work?id="+id, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return err
	})
}
