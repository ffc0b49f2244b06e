package rivals_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// instrumented is a server with the OpenTelemetry SDK that passes each request on to
// UPSTREAM. Its first line of input is where spans go.
func instrumented() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	in := bufio.NewScanner(os.Stdin)
	if !in.Scan() {
		return in.Err()
	}
	ctx := context.Background()
	provider, err := provide(ctx, in.Text())
	if err != nil {
		return err
	}
	p := &passer{tracer: provider.Tracer("passer")}
	p.hop = hops(p)[os.Getenv("HOP")]
	server := &http.Server{Handler: p}
	go func() {
		in.Scan() // to the end of the input
		_ = server.Close()
	}()
	fmt.Println("ready")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return provider.Shutdown(ctx)
}

func provide(ctx context.Context, endpoint string) (*sdktrace.TracerProvider, error) {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure())
	if err != nil {
		return nil, err
	}
	who, err := resource.New(ctx, resource.WithHost(), resource.WithProcessPID(), resource.WithAttributes(attribute.String("service.name", "passer")))
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(time.Second)), sdktrace.WithResource(who)), nil
}

// passer does what the instrumentation of net/http does.
type passer struct {
	tracer oteltrace.Tracer
	hop    func(ctx context.Context, target string) error
}

// hops are the ways from a request to its call. All but the first lose the context.
func hops(p *passer) map[string]func(context.Context, string) error {
	jobs := make(chan func(), 1024)
	for range 8 {
		go func() {
			for job := range jobs {
				job()
			}
		}()
	}
	return map[string]func(context.Context, string) error{
		"": p.pass,
		"goroutine": func(_ context.Context, target string) error {
			done := make(chan error, 1)
			go func() { done <- p.job(target) }()
			return <-done
		},
		"pool": func(_ context.Context, target string) error {
			done := make(chan error, 1)
			jobs <- func() { done <- p.job(target) }
			return <-done
		},
		"afterwards": func(_ context.Context, target string) error {
			go func() { _ = p.job(target) }()
			return nil
		},
	}
}

// job passes a request on from somewhere that knows nothing of it.
func (p *passer) job(target string) error {
	ctx, span := p.tracer.Start(context.Background(), "job", oteltrace.WithAttributes(attribute.String("job.id", target)))
	defer span.End()
	return p.pass(ctx, target)
}

func (p *passer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := p.tracer.Start(ctx, "GET", oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path), attribute.String("url.query", r.URL.RawQuery),
		attribute.Int("http.response.status_code", http.StatusOK)))
	defer span.End()
	if err := p.hop(ctx, r.URL.RequestURI()); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

func (p *passer) pass(ctx context.Context, target string) error {
	ctx, span := p.tracer.Start(ctx, "GET", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(attribute.String("url.full", target)))
	defer span.End()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+os.Getenv("UPSTREAM")+target, nil)
	if err != nil {
		return err
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	_, err = io.Copy(io.Discard, reply.Body)
	return err
}
