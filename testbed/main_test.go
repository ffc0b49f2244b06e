package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/testbed/floor"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/spanfile"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testbed runs a command and returns what it printed.
func testbed(t *testing.T, args ...string) (string, error) {
	var out strings.Builder
	err := run(t.Context(), args, &out)
	return out.String(), err
}

func TestEveryCommandKnowsHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"-h"}} {
		text, err := testbed(t, args...)
		require.NoError(t, err)
		for _, c := range subcommands() {
			assert.Contains(t, text, c.name)
		}
	}
	for _, c := range subcommands() {
		_, err := testbed(t, c.name, "--help")
		assert.ErrorIs(t, err, flag.ErrHelp, c.name)
	}
}

func TestACommandThatIsNone(t *testing.T) {
	_, err := testbed(t, "dance")
	assert.ErrorContains(t, err, `no command "dance"`)
}

func TestArgumentsThatAreMissing(t *testing.T) {
	for _, args := range [][]string{{"run"}, {"load"}, {"mask"}, {"score"}, {"baseline"}, {"blind"}, {"replay"}, {"gate", "no-such"}, {"gate", "--floors", "no-such"}, {"replay", "no-such.pb"}, {"accuracy", "no-such"}, {"accuracy", "--loads", "c3"}, {"run", "no-such"}, {"load", "ftp://x"}, {"install", "no-such"}} {
		_, err := testbed(t, args...)
		assert.Error(t, err, args)
	}
}

func TestListNamesTheScenarios(t *testing.T) {
	text, err := testbed(t, "list")
	require.NoError(t, err)
	assert.Contains(t, text, "java-submit-get")
	text, err = testbed(t, "list", "--json")
	require.NoError(t, err)
	var specs []struct{ Name string }
	require.NoError(t, json.Unmarshal([]byte(text), &specs))
	assert.Greater(t, len(specs), 40)
}

func TestLoadSendsTokensWhereItIsTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, at := truth.Find(r.URL.Query().Get("id")); at != 0 || r.URL.Query().Get("k") != "a b" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer server.Close()
	text, err := testbed(t, "load", "--requests", "20", "--warm", "0", server.URL+"/work?k=a%20b&id={id}")
	require.NoError(t, err)
	var got loadResult
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	assert.EqualValues(t, 20, got.Requests)
	assert.Equal(t, "c8", got.Name)
	assert.Empty(t, got.Failures)
}

func TestRunPrintsItsOutcome(t *testing.T) {
	text, err := testbed(t, "run", "--json", "--requests", "20", "--warm", "4", "--dir", t.TempDir(), "go-direct")
	require.NoError(t, err)
	var got outcome
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	assert.Equal(t, "go-direct", got.Scenario)
	assert.Equal(t, 48, got.Report.Calls)
	assert.True(t, got.Report.OK())
	text, err = testbed(t, "run", "--share", "0.2", "--requests", "20", "--warm", "4", "--dir", t.TempDir(), "go-direct")
	require.NoError(t, err)
	assert.Contains(t, text, "r140")
	assert.Contains(t, text, "ok")
}

// recorded writes a recording of one request and one call on one thread, linked
// or not, and the log of the load generator.
func recorded(t *testing.T, linked bool) (recording, requests string) {
	tok := truth.NewToken(1, 0)
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutInt("process.pid", 7)
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	add := func(kind ptrace.SpanKind, id byte, start, end int64) ptrace.Span {
		s := spans.AppendEmpty()
		s.SetKind(kind)
		s.SetTraceID([16]byte{15: 1})
		s.SetSpanID([8]byte{7: id})
		s.Attributes().PutStr("url.query", "id="+tok.String())
		e := evidence.Exchange{
			ConnID:   uint64(id),
			Request:  evidence.Message{End: start, Point: evidence.Point{TID: 1, IO: uint32(start)}},
			Response: evidence.Message{Start: end, Point: evidence.Point{TID: 1, IO: uint32(end)}},
		}
		e.Put(s)
		s.SetStartTimestamp(pcommon.Timestamp(start))
		s.SetEndTimestamp(pcommon.Timestamp(end))
		return s
	}
	add(ptrace.SpanKindServer, 1, 10, 40)
	call := add(ptrace.SpanKindClient, 2, 20, 30)
	if linked {
		call.SetParentSpanID([8]byte{7: 1})
	}
	dir := t.TempDir()
	recording, requests = filepath.Join(dir, "r.pb"), filepath.Join(dir, "requests.jsonl")
	w, err := spanfile.Create(recording)
	require.NoError(t, err)
	require.NoError(t, w.Write(td))
	require.NoError(t, w.Close())
	require.NoError(t, truth.WriteLog(requests, []truth.Request{{Token: tok, Phase: truth.PhaseRun}}))
	return recording, requests
}

func results(t *testing.T, args ...string) []*score.Result {
	text, err := testbed(t, args...)
	require.NoError(t, err)
	var out []*score.Result
	require.NoError(t, json.Unmarshal([]byte(text), &out))
	return out
}

func TestScoreOfReleasedSpans(t *testing.T) {
	recording, requests := recorded(t, true)
	got := results(t, "score", "--json", "--requests", requests, "--scenario", "one", recording)
	require.Len(t, got, 1)
	assert.Equal(t, score.Count{Right: 1}, got[0].Calls)
	assert.Equal(t, "one", got[0].Scenario)
	text, err := testbed(t, "score", recording)
	require.NoError(t, err)
	assert.Contains(t, text, "100.0")
}

func TestScoreOfTheRivalsRules(t *testing.T) {
	recording, _ := recorded(t, false)
	byName := map[string]score.Count{}
	for _, r := range results(t, "baseline", "--json", recording) {
		byName[r.Linker] = r.Calls
	}
	assert.Equal(t, map[string]score.Count{
		"deepflow-thread": {Right: 1}, "deepflow-cover": {Right: 1}, "deepflow-full": {Right: 1},
		"obi-generic": {Right: 1}, "fcfs": {Right: 1}, "last-open": {Right: 1},
	}, byName)
}

func TestAMaskedRecordingLinksAlikeAndTellsNoTruth(t *testing.T) {
	recording, _ := recorded(t, true)
	masked := filepath.Join(t.TempDir(), "masked.jsonl.gz")
	text, err := testbed(t, "mask", "--in", recording, "--out", masked)
	require.NoError(t, err)
	assert.Equal(t, "2 tokens overwritten\n", text)
	assert.Equal(t, score.Count{}, results(t, "score", "--json", masked)[0].Calls)
}

func TestReplayScoresAndChecksThatNothingLooksAtTheTruth(t *testing.T) {
	recording, log := recorded(t, true)
	kept := filepath.Join(t.TempDir(), "stitched.jsonl")
	got := results(t, "replay", "--json", "--baselines", "--requests", log, "--out", kept, recording)
	require.Len(t, got, 7)
	assert.Equal(t, score.Count{Right: 1}, got[0].Calls)
	assert.NotNil(t, got[0].Release)
	assert.Equal(t, score.Count{Right: 1}, results(t, "score", "--json", kept)[0].Calls, "what was stitched is kept")
	text, err := testbed(t, "replay", "--blind-check", recording)
	require.NoError(t, err)
	assert.Equal(t, 7, strings.Count(text, filepath.Base(recording)))

	_, err = testbed(t, "replay", "--disable", "magic", recording)
	assert.ErrorContains(t, err, "disable: must be names of methods")
}

func TestTheGateHasFloorsForEveryGroupButHosts(t *testing.T) {
	floors, err := floor.Read("floors.yaml")
	require.NoError(t, err)
	groups := map[string]bool{}
	for name, loads := range floors {
		spec, err := scenario.Load("..", name)
		require.NoError(t, err)
		groups[spec.Group] = true
		assert.Len(t, loads, 2, name)
		assert.Contains(t, loads, "c8", name)
		assert.Contains(t, loads, "c64", name)
	}
	for _, group := range []string{"processes", "threads", "java", "python", "loops", "go", "mixes"} {
		assert.True(t, groups[group], group)
	}
}

func TestTheGateFailsWhereNothingCanBeJudged(t *testing.T) {
	text, err := testbed(t, "gate", "--collector", "no-such-collector", "--dir", t.TempDir(), "go-direct")
	assert.ErrorContains(t, err, "go-direct c8: no Collector binary")
	assert.ErrorContains(t, err, "go-direct c64: no Collector binary")
	assert.Contains(t, text, "COULD NOT RUN")
}

func TestBlindRunsEveryLinker(t *testing.T) {
	const data = "../../shared/data/traceweaver/node_load75"
	text, err := testbed(t, "blind", "--json", "--linker", "all", "--spans", data+".spans.jsonl.gz", "--truth", data+".truth.jsonl.gz")
	require.NoError(t, err)
	assert.Equal(t, 4, strings.Count(text, `"trace_accuracy":`))
	assert.Equal(t, 3, strings.Count(text, `"trace_accuracy":1,`), "the baselines: nothing overtakes here")
	_, err = testbed(t, "blind", "--linker", "magic", "--spans", data+".spans.jsonl.gz", "--truth", data+".truth.jsonl.gz")
	assert.ErrorContains(t, err, `no linker "magic"`)
}
