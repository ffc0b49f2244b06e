package blind_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/blind"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// data is where the published sets lie, beside the repository.
const data = "../../../shared/data/traceweaver"

// The published accuracies of the two methods that need no model are a check of
// the measure: it must reproduce them to the digit that was published.
func TestTheMeasureReproducesThePublishedNumbers(t *testing.T) {
	if _, err := os.Stat(data); err != nil {
		t.Fatalf("the data sets are missing: %v", err)
	}
	for set, want := range map[string]struct{ fcfs, arrival float64 }{
		"hotel_load75": {64.8, 84.5},
		"node_load75":  {100, 100},
		"media_load75": {78.5, 44.1},
	} {
		t.Run(set, func(t *testing.T) {
			spans, err := blind.ReadSpans(filepath.Join(data, set+".spans.jsonl.gz"))
			require.NoError(t, err)
			truth, err := blind.ReadTruth(filepath.Join(data, set+".truth.jsonl.gz"))
			require.NoError(t, err)
			for name, linker := range map[string]blind.NewLinker{"fcfs": blind.FCFS, "arrival": blind.Arrival} {
				published := want.fcfs
				if name == "arrival" {
					published = want.arrival
				}
				r, err := blind.Run(name, spans, truth, linker)
				require.NoError(t, err)
				assert.InDelta(t, published, 100*r.TraceAccuracy, 0.06, name)
				assert.Equal(t, len(truth), r.Links.Total())
			}
		})
	}
}

// oracle links as told, in the order of the calls.
type oracle struct {
	links map[string]blind.Link
	emit  func(blind.Link)
	fail  error
}

func (o *oracle) Add(s *blind.Span) error {
	if l, ok := o.links[s.ID]; ok {
		l.Client = s.ID
		o.emit(l)
	}
	return o.fail
}

func (o *oracle) Close() error { return nil }

func told(links map[string]blind.Link) blind.NewLinker {
	return func(emit func(blind.Link)) blind.Linker { return &oracle{links: links, emit: emit} }
}

// Two traces: a makes calls 1 and 2, b makes 3 and, in a service that does not
// count, u makes 4.
var (
	someSpans = []blind.Span{{ID: "1"}, {ID: "2"}, {ID: "3"}, {ID: "4"}}
	someTruth = []blind.Truth{
		{Client: "1", Server: "a", Trace: 1, Counted: true}, {Client: "2", Server: "a", Trace: 1, Counted: true},
		{Client: "3", Server: "b", Trace: 2, Counted: true}, {Client: "4", Server: "u", Trace: 2},
	}
)

func sure(server string) blind.Link { return blind.Link{Server: server, Confidence: 1} }

func TestTracesLinksAndAbstentions(t *testing.T) {
	for name, tc := range map[string]struct {
		links map[string]blind.Link
		right int
		want  score.Count
	}{
		"all right":                       {map[string]blind.Link{"1": sure("a"), "2": sure("a"), "3": sure("b"), "4": sure("u")}, 2, score.Count{Right: 4}},
		"nothing claimed":                 {nil, 0, score.Count{Orphan: 4}},
		"one abstention breaks its trace": {map[string]blind.Link{"1": sure("a"), "3": sure("b"), "4": sure("u")}, 1, score.Count{Right: 3, Orphan: 1}},
		"a stolen call breaks both":       {map[string]blind.Link{"1": sure("a"), "2": sure("b"), "3": sure("b"), "4": sure("u")}, 0, score.Count{Right: 3, Wrong: 1}},
		"what does not count breaks none": {map[string]blind.Link{"1": sure("a"), "2": sure("a"), "3": sure("b"), "4": sure("x")}, 2, score.Count{Right: 3, Wrong: 1}},
		"a call that counts for nothing, given to one that does": {map[string]blind.Link{"1": sure("a"), "2": sure("a"), "3": sure("b"), "4": sure("b")}, 1, score.Count{Right: 3, Wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := blind.Run("x", someSpans, someTruth, told(tc.links))
			require.NoError(t, err)
			assert.Equal(t, 2, r.Traces)
			assert.Equal(t, tc.right, r.TracesRight)
			assert.Equal(t, tc.want, r.Links)
			assert.InDelta(t, float64(tc.right)/2, r.TraceAccuracy, 1e-9)
			assert.InDelta(t, 1, r.Recall+r.WrongRate+r.Abstentions, 1e-9)
		})
	}
}

func TestSureLinksAndCalibration(t *testing.T) {
	r, err := blind.Run("x", someSpans, someTruth, told(map[string]blind.Link{
		"1": {Server: "a", Confidence: 0.95}, "2": {Server: "b", Confidence: 0.9}, "3": {Server: "b", Confidence: 0.5},
	}))
	require.NoError(t, err)
	assert.Equal(t, score.Count{Right: 1, Wrong: 1, Orphan: 2}, r.Sure)
	assert.InDelta(t, 0.5, r.SureWrong, 1e-9)
	require.Len(t, r.Calibration, 2)
	assert.Equal(t, score.Bin{Low: 0.5, Links: 1, Right: 1, Claimed: 0.5}, r.Calibration[0])
	assert.InDelta(t, 0.925, r.Calibration[1].Claimed, 1e-9)
}

func TestALinkerThatFailsOrRepeatsItselfIsAnError(t *testing.T) {
	failure := errors.New("too much")
	_, err := blind.Run("x", someSpans, someTruth, func(emit func(blind.Link)) blind.Linker {
		return &oracle{emit: emit, fail: failure}
	})
	assert.ErrorIs(t, err, failure)

	twice := append([]blind.Span{{ID: "1"}}, someSpans...)
	_, err = blind.Run("x", twice, someTruth, told(map[string]blind.Link{"1": sure("a")}))
	assert.ErrorContains(t, err, "linked twice")
}

// hotel is one service with two kinds of call, p and then q. Request b overtakes
// request a between the two.
func hotel() ([]blind.Span, []blind.Truth) {
	spans := []blind.Span{
		{ID: "a", Service: "s", Kind: "server", Start: 0, End: 100},
		{ID: "b", Service: "s", Kind: "server", Start: 1, End: 101},
		{ID: "ap", Service: "s", Kind: "client", Name: "p", PeerService: "x", Start: 10, End: 50},
		{ID: "bp", Service: "s", Kind: "client", Name: "p", PeerService: "x", Start: 11, End: 20},
		{ID: "bq", Service: "s", Kind: "client", Name: "q", PeerService: "y", Start: 21, End: 60},
		{ID: "aq", Service: "s", Kind: "client", Name: "q", PeerService: "y", Start: 51, End: 61},
	}
	truth := []blind.Truth{
		{Client: "ap", Server: "a", Trace: 1, Counted: true}, {Client: "aq", Server: "a", Trace: 1, Counted: true},
		{Client: "bp", Server: "b", Trace: 2, Counted: true}, {Client: "bq", Server: "b", Trace: 2, Counted: true},
	}
	return spans, truth
}

func TestWhatOvertakingDoesToEachBaseline(t *testing.T) {
	spans, truth := hotel()
	for name, tc := range map[string]struct {
		linker blind.NewLinker
		want   score.Count
	}{
		"fcfs does not see it": {blind.FCFS, score.Count{Right: 2, Wrong: 2}},
		"arrival sees it":      {blind.Arrival, score.Count{Right: 4}},
		"chain sees it":        {blind.Chain, score.Count{Right: 4}},
	} {
		r, err := blind.Run(name, spans, truth, tc.linker)
		require.NoError(t, err)
		assert.Equal(t, tc.want, r.Links, name)
	}
}

func TestBaselinesStandMissingCalls(t *testing.T) {
	spans, truth := hotel()
	spans = append(spans[:2:2], spans[3:]...) // without ap
	for _, linker := range []blind.NewLinker{blind.FCFS, blind.Arrival, blind.Chain} {
		r, err := blind.Run("x", spans, truth, linker)
		require.NoError(t, err)
		assert.Equal(t, 4, r.Links.Total())
		assert.GreaterOrEqual(t, r.Links.Orphan, 1)
	}
}

func TestFilesThatAreNotWhatTheyShouldBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spans.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{\"span_id\":\"1\",\"start_ns\":5}\n{\"span_id\":2}\n"), 0o644))
	spans, err := blind.ReadSpans(path)
	assert.ErrorContains(t, err, "line 2")
	assert.Nil(t, spans)
	_, err = blind.ReadTruth(path + ".none")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func BenchmarkFCFS(b *testing.B) {
	spans, truth := hotel()
	for b.Loop() {
		if _, err := blind.Run("fcfs", spans, truth, blind.FCFS); err != nil {
			b.Fatal(err)
		}
	}
}
