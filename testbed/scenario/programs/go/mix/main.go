// Mix does what the query says: many habits behind one endpoint.
package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario/programs/go/backend"
)

type program struct {
	client *http.Client
	jobs   chan func()
}

func (p *program) call(path, id string) error {
	return backend.Call(context.Background(), p.client, path, id)
}

// sequential makes two calls one after the other.
func (p *program) sequential(id string) error {
	return errors.Join(p.call("/b1", id), p.call("/b2", id))
}

// parallel makes two calls at once.
func (p *program) parallel(id string) error {
	var first, second error
	var wg sync.WaitGroup
	wg.Go(func() { first = p.call("/b1", id) })
	wg.Go(func() { second = p.call("/b2", id) })
	wg.Wait()
	return errors.Join(first, second)
}

// sleep waits before its call.
func (p *program) sleep(id string) error {
	time.Sleep(5 * time.Millisecond)
	return p.call("/b1", id)
}

// pool has a worker make the call and waits for it.
func (p *program) pool(id string) error {
	done := make(chan error, 1)
	p.jobs <- func() { done <- p.call("/b1", id) }
	return <-done
}

// forget makes its call after the reply.
func (p *program) forget(id string) error {
	go p.call("/b1", id)
	return nil
}

// timer has a timer make the call and waits for it.
func (p *program) timer(id string) error {
	done := make(chan error, 1)
	time.AfterFunc(5*time.Millisecond, func() { done <- p.call("/b1", id) })
	return <-done
}

func main() {
	p := &program{backend.Client(), make(chan func(), 4096)}
	for range backend.Pool() {
		go func() {
			for job := range p.jobs {
				job()
			}
		}()
	}
	habits := map[string]func(string) error{
		"none":       func(string) error { return nil },
		"sequential": p.sequential, "parallel": p.parallel, "sleep": p.sleep,
		"pool": p.pool, "forget": p.forget, "timer": p.timer,
	}
	backend.ServeHTTP(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if err := habits[query.Get("k")](query.Get("id")); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		io.WriteString(w, "ok\n")
	})
}
