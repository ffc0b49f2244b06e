package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// job is one request on its way through the worker pool.
type job struct {
	ctx   context.Context
	path  string
	reply chan reply
}

type reply struct {
	body []byte
	err  error
}

// gateway is the front of the demo system: it hands every request to a pool of
// four workers, which call the service behind it.
func gateway(ctx context.Context) error {
	jobs := make(chan job)
	for range 4 {
		go work(jobs, "http://127.0.0.1:"+os.Getenv("BACKEND_PORT"))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{item}", func(w http.ResponseWriter, r *http.Request) {
		j := job{r.Context(), "/price/" + r.PathValue("item"), make(chan reply, 1)}
		select {
		case jobs <- j:
		case <-r.Context().Done():
			return
		}
		answer := <-j.reply
		if answer.err != nil {
			http.Error(w, "the service does not answer", http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "%s costs %s\n", r.PathValue("item"), answer.body)
	})
	return serve(ctx, mux)
}

func work(jobs <-chan job, backend string) {
	for j := range jobs {
		body, err := fetch(j.ctx, backend+j.path)
		j.reply <- reply{body, err}
	}
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(io.LimitReader(response.Body, 1<<16))
}

// serve answers on PORT until ctx ends, and says when it is ready.
func serve(ctx context.Context, handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	fmt.Println("ready")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
