package tailhook

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (rawCodec) Name() string                       { return "proto" }

const (
	senderAddress = "TAILHOOK_SENDER_ADDRESS"
	senderCalls   = "TAILHOOK_SENDER_CALLS"
)

// TestSenderProcess is the process that sends the load, so that its cost is not
// that of the Collector: it sends so many calls over two streams.
func TestSenderProcess(t *testing.T) {
	address := os.Getenv(senderAddress)
	if address == "" {
		return // not the sender
	}
	calls, err := strconv.Atoi(os.Getenv(senderCalls))
	require.NoError(t, err)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	l := newLoad(t, false)
	slots := make(chan struct{}, 8)
	for range calls {
		l.patch()
		data := append([]byte(nil), l.data...)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			var answer []byte
			if err := conn.Invoke(context.Background(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
				&data, &answer, grpc.ForceCodec(rawCodec{})); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
}

// BenchmarkEndToEnd is the load of the baselines: OTLP over gRPC from another
// process, received, decided and handed to an exporter that does nothing. The
// cost is the processor time of this process alone.
func BenchmarkEndToEnd(b *testing.B) {
	const calls = 4000
	for _, name := range []string{"nothing", "tail_sampling", "tailhook"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c := contenders(5 * time.Second)[name](b, consumertest.NewNop())
				f := otlpreceiver.NewFactory()
				cfg := f.CreateDefaultConfig()
				require.NoError(b, confmap.NewFromStringMap(map[string]any{
					"protocols": map[string]any{"grpc": map[string]any{"endpoint": "localhost:14317"}},
				}).Unmarshal(cfg))
				r, err := f.CreateTraces(context.Background(), receivertest.NewNopSettings(f.Type()), cfg, c)
				require.NoError(b, err)
				require.NoError(b, r.Start(context.Background(), componenttest.NewNopHost()))
				sender := exec.Command(os.Args[0], "-test.run=^TestSenderProcess$")
				sender.Env = append(os.Environ(), senderAddress+"=localhost:14317", senderCalls+"="+strconv.Itoa(calls))
				sender.Stderr = os.Stderr
				used, start := cpu(), time.Now()
				require.NoError(b, sender.Run())
				wall := time.Since(start)
				require.NoError(b, r.Shutdown(context.Background()))
				require.NoError(b, c.Shutdown(context.Background()))
				used = cpu() - used
				b.ReportMetric(calls*loadCall/used.Seconds(), "spans/s/core")
				b.ReportMetric(calls*loadCall/wall.Seconds(), "spans/s")
				b.ReportMetric(float64(used.Nanoseconds())/(calls*loadCall), "cpu-ns/span")
			}
		})
	}
}
