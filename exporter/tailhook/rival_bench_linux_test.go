package tailhook

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
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

// BenchmarkAgainstTailSampling puts the hook and contrib's processor side by side
// on the same input and prints the table of the README.
func BenchmarkAgainstTailSampling(b *testing.B) {
	for b.Loop() {
		r := readRecording(b)
		load, recorded := loadArrivals(b, 400, 10), r.play(7, 4)
		t := &comparison{b: b}
		t.throughput()
		t.row("live heap per held span", func(name string) string { return fmt.Sprintf("%.0f B", heldBytes(b, name)) })
		t.row("live heap for 5,000 settled spans/s", func(name string) string { return mib(arrivalBytes(b, name, load)) })
		t.row("live heap for the recording, 2,800 spans/s", func(name string) string { return mib(arrivalBytes(b, name, recorded)) })
		t.delays("last span to the next component, 50,000 settled spans/s", loadArrivals(b, 300, 100))
		t.delays("last span to the next component, the recording", r.play(1, 4))
		t.decisions("decisions unlike those of an oracle, the load", load)
		t.decisions("decisions unlike those of an oracle, the recording", recorded)
		unstitched, _ := openShop(20_000)
		t.decisions("decisions unlike those of an oracle, not stitched, SDKs that export every 5 s", unstitched.arrivals())
		fmt.Println(t) // Log cuts off
	}
}

// comparison is a table with a column for each of the two.
type comparison struct {
	strings.Builder
	b *testing.B
}

func (t *comparison) row(what string, measure func(name string) string) {
	if t.Len() == 0 {
		fmt.Fprintf(t, "| | tail_sampling | tailhook |\n|---|---|---|\n")
	}
	fmt.Fprintf(t, "| %s | %s | %s |\n", what, measure("tail_sampling"), measure("tailhook"))
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// throughput is the load of the baselines: OTLP over gRPC from another process,
// received, decided and handed to an exporter that does nothing. The cost is the
// processor time of this process alone.
func (t *comparison) throughput() {
	const calls = 4000
	bare := t.receive("nothing", calls)
	used := map[string]time.Duration{}
	t.row("OTLP/gRPC in, decided, nop out: spans/s per core", func(name string) string {
		used[name] = t.receive(name, calls)
		return fmt.Sprintf("%.0f", calls*loadCall/used[name].Seconds())
	})
	t.row("of that the receiver alone: processor time a span", func(string) string { return perSpan(bare, calls) })
	t.row("and the component", func(name string) string { return perSpan(used[name]-bare, calls) })
}

func perSpan(used time.Duration, calls int) string {
	return fmt.Sprintf("%.2f µs", used.Seconds()*1e6/float64(calls*loadCall))
}

// receive returns the processor time that a load takes from its receipt on.
func (t *comparison) receive(name string, calls int) time.Duration {
	b := t.b
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
	used := cpu()
	require.NoError(b, sender.Run())
	require.NoError(b, r.Shutdown(context.Background()))
	require.NoError(b, c.Shutdown(context.Background()))
	return cpu() - used
}

// delays are of real time for the hook. The other one waits for decision_wait, in a
// bubble.
func (t *comparison) delays(what string, s arrivals) {
	t.row(what+": p50, p99", func(name string) string {
		if name != "tailhook" {
			return show(judge(t.b, name, s))
		}
		j := newJury()
		c := contenders(30 * time.Second)[name](t.b, j)
		j.feed(t.b, c, s)
		require.NoError(t.b, c.Shutdown(context.Background()))
		return show(j)
	})
}

func show(j *jury) string {
	return fmt.Sprintf("%v, %v", j.quantile(0.5).Round(10*time.Microsecond), j.quantile(0.99).Round(10*time.Microsecond))
}

func (t *comparison) decisions(what string, s arrivals) {
	want := oracle(s)
	t.row(what, func(name string) string {
		return fmt.Sprintf("%d of %d", judge(t.b, name, s).differ(want), len(want))
	})
}

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
