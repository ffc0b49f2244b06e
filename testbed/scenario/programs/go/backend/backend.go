// Package backend is what the Go programs share.
package backend

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
)

// Pool is how many workers there are to be.
func Pool() int {
	n, err := strconv.Atoi(os.Getenv("POOL"))
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// Client returns a client that keeps as many connections as there are calls at once.
func Client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024}}
}

// Call calls the delay server and waits for its reply.
func Call(ctx context.Context, client *http.Client, path, id string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+os.Getenv("DELAY_ADDR")+path+"?id="+id, nil)
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
}

// Serve serves work, given the id of each request, and replies when it returns.
func Serve(work func(ctx context.Context, id string) error) {
	ServeHTTP(func(w http.ResponseWriter, r *http.Request) {
		if err := work(r.Context(), r.URL.Query().Get("id")); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		io.WriteString(w, "ok\n")
	})
}

// ServeHTTP serves handler where the testbed wants it.
func ServeHTTP(handler http.HandlerFunc) {
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), handler))
}
