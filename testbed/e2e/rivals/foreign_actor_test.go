package rivals_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"github.com/openzipkin/zipkin-go"
	zipkinhttp "github.com/openzipkin/zipkin-go/middleware/http"
	reporter "github.com/openzipkin/zipkin-go/reporter/http"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// serve serves what make returns, of the address that is the first line of input, until
// the input ends, and then calls what it returns beside that.
func serve(make func(collector string) (http.Handler, func() error, error)) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	in := bufio.NewScanner(os.Stdin)
	if !in.Scan() {
		return in.Err()
	}
	handler, end, err := make(in.Text())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	go func() {
		in.Scan() // to the end of the input
		_ = server.Close()
	}()
	fmt.Println("ready")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return end()
}

// pass asks UPSTREAM the same by do, and passes its reply on.
func pass(do func(*http.Request) (*http.Response, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+os.Getenv("UPSTREAM")+r.URL.RequestURI(), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		reply, err := do(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer reply.Body.Close()
		_, _ = io.Copy(w, reply.Body)
	}
}

// withZipkin is a server with Zipkin's own library, in which both ends of a call have
// one span id.
func withZipkin() error {
	return serve(func(collector string) (http.Handler, func() error, error) {
		out := reporter.NewReporter("http://"+collector+"/api/v2/spans", reporter.BatchInterval(time.Second))
		who, err := zipkin.NewEndpoint(os.Getenv("OTEL_SERVICE_NAME"), "")
		if err != nil {
			return nil, nil, err
		}
		tracer, err := zipkin.NewTracer(out, zipkin.WithLocalEndpoint(who), zipkin.WithSharedSpans(true))
		if err != nil {
			return nil, nil, err
		}
		client, err := zipkinhttp.NewClient(tracer)
		if err != nil {
			return nil, nil, err
		}
		server := zipkinhttp.NewServerMiddleware(tracer)
		return server(tagged(pass(client.Do))), out.Close, nil
	})
}

// tagged notes the query of a request on its span, for those who know what it means.
func tagged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		zipkin.SpanFromContext(r.Context()).Tag("http.query", r.URL.RawQuery)
		next.ServeHTTP(w, r)
	})
}

// withJaeger is a server that does what Jaeger's libraries do, but says of no span what
// kind it is.
func withJaeger() error {
	return serve(func(collector string) (http.Handler, func() error, error) {
		conn, err := grpc.NewClient(collector, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, nil, err
		}
		host, err := os.Hostname()
		if err != nil {
			return nil, nil, err
		}
		j := &jaeger{to: api_v2.NewCollectorServiceClient(conn), process: model.Process{
			ServiceName: os.Getenv("OTEL_SERVICE_NAME"),
			Tags:        []model.KeyValue{model.String("hostname", host), model.Int64("process.pid", int64(os.Getpid())), model.String("jaeger.version", "Go-2.30.0")},
		}}
		ctx, cancel := context.WithCancel(context.Background())
		go j.send(ctx)
		return http.HandlerFunc(j.serve), func() error {
			cancel()
			return conn.Close()
		}, nil
	})
}

// jaeger is a tracer.
type jaeger struct {
	to      api_v2.CollectorServiceClient
	process model.Process

	mu    sync.Mutex
	spans []*model.Span
}

func (j *jaeger) send(ctx context.Context) {
	for tick := time.Tick(time.Second); ; {
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
		j.mu.Lock()
		spans := j.spans
		j.spans = nil
		j.mu.Unlock()
		if len(spans) > 0 {
			_, _ = j.to.PostSpans(ctx, &api_v2.PostSpansRequest{Batch: model.Batch{Process: &j.process, Spans: spans}})
		}
	}
}

// start begins a span below the one that header names, or a trace.
func (j *jaeger) start(header string, tags ...model.KeyValue) *model.Span {
	span := &model.Span{OperationName: "GET", SpanID: model.NewSpanID(rand.Uint64()), StartTime: time.Now(), Tags: tags, Flags: 1}
	var trace, parent, ignored uint64
	if n, _ := fmt.Sscanf(header, "%x:%x:%x:%x", &trace, &parent, &ignored, &ignored); n < 2 {
		trace = rand.Uint64()
	}
	span.TraceID = model.NewTraceID(0, trace)
	if parent != 0 {
		span.References = []model.SpanRef{model.NewChildOfRef(span.TraceID, model.NewSpanID(parent))}
	}
	return span
}

func (j *jaeger) end(span *model.Span) {
	span.Duration = time.Since(span.StartTime)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.spans = append(j.spans, span)
}

func header(span *model.Span) string {
	return fmt.Sprintf("%x:%x:%x:1", span.TraceID.Low, uint64(span.SpanID), uint64(span.ParentSpanID()))
}

func (j *jaeger) serve(w http.ResponseWriter, r *http.Request) {
	span := j.start(r.Header.Get("uber-trace-id"), model.String("http.url", r.URL.RequestURI()), model.String("http.method", r.Method), model.Int64("http.status_code", 200))
	defer j.end(span)
	pass(func(out *http.Request) (*http.Response, error) {
		call := j.start(header(span), model.String("http.url", out.URL.String()), model.String("http.method", out.Method))
		defer j.end(call)
		out.Header.Set("uber-trace-id", header(call))
		return http.DefaultClient.Do(out)
	})(w, r)
}
