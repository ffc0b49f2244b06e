package replay_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor"
	"github.com/otelcol-custom/otelcol-custom/testbed/floor"
	"github.com/otelcol-custom/otelcol-custom/testbed/replay"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// eachRecording runs a test on every committed recording.
func eachRecording(t *testing.T, f func(t *testing.T, o score.Options, r replay.Recording)) {
	t.Helper()
	files, err := filepath.Glob("../recordings/*.pb.gz")
	require.NoError(t, err)
	require.Greater(t, len(files), 8)
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".pb.gz")
		t.Run(name, func(t *testing.T) {
			r, err := replay.Read(path)
			require.NoError(t, err)
			at := strings.LastIndexByte(name, '-')
			f(t, score.Options{Scenario: name[:at], Load: name[at+1:]}, r)
		})
	}
}

func TestRecordingsAreStitchedAsWellAsTheyWere(t *testing.T) {
	floors, err := floor.Read("../recordings/floors.yaml")
	require.NoError(t, err)
	eachRecording(t, func(t *testing.T, o score.Options, r replay.Recording) {
		released, err := r.Stitch()
		require.NoError(t, err)
		assert.NoError(t, floors.Check(replay.Score(released, o)))
	})
}

func TestLinksAreAsSureAsTheySay(t *testing.T) {
	links, right := 0, 0
	eachRecording(t, func(t *testing.T, o score.Options, r replay.Recording) {
		released, err := r.Stitch()
		require.NoError(t, err)
		for _, b := range replay.Score(released, o).Calibration {
			if b.Low >= 0.9 {
				links, right = links+b.Links, right+b.Right
			}
		}
	})
	require.Greater(t, links, 5000)
	assert.GreaterOrEqual(t, float64(right)/float64(links), 0.97)
}

func bytesOf(t *testing.T, batches []ptrace.Traces) (out []byte) {
	t.Helper()
	for _, td := range batches {
		b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
		require.NoError(t, err)
		out = append(out, b...)
	}
	return out
}

func TestAReplayGivesTheSameBytesTwiceAndLeavesTheRecordingAsItWas(t *testing.T) {
	eachRecording(t, func(t *testing.T, _ score.Options, r replay.Recording) {
		before := bytesOf(t, r)
		first, err := r.Stitch()
		require.NoError(t, err)
		second, err := r.Stitch()
		require.NoError(t, err)
		assert.Equal(t, bytesOf(t, first), bytesOf(t, second))
		assert.Equal(t, before, bytesOf(t, r))
	})
}

func TestNoLinkerLooksAtTheTruth(t *testing.T) {
	eachRecording(t, func(t *testing.T, o score.Options, r replay.Recording) {
		checked, err := r.Check(replay.Linkers())
		require.NoError(t, err)
		require.Len(t, checked, 7)
		for _, b := range checked {
			assert.Zero(t, b.Differ, b.Linker)
			assert.Greater(t, b.Spans, 300, b.Linker)
			assert.Greater(t, b.Told, 300, b.Linker)
		}
		masked, _, err := r.Masked()
		require.NoError(t, err)
		assert.Zero(t, replay.Score(masked, o).Traces, "nothing of the truth is left")
	})
}

// cheat decides by the truth: a call belongs to the last request with its token.
func cheat(r replay.Recording) (out []replay.Decision, err error) {
	last := map[truth.Token]pcommon.SpanID{}
	for _, td := range r {
		for _, s := range score.Append(nil, td, nil) {
			out = append(out, replay.Decision{Span: s.ID, Parent: last[s.Token]})
			if s.Incoming() && s.Token != 0 {
				last[s.Token] = s.ID
			}
		}
	}
	return out, nil
}

func TestALinkerThatLooksAtTheTruthIsFoundOut(t *testing.T) {
	r, err := replay.Read("../recordings/java-submit-get-c64.pb.gz")
	require.NoError(t, err)
	// Spans end before the requests that caused them; turned round, there is something to cheat with.
	slices.Reverse(r)
	checked, err := r.Check([]replay.Linker{{Name: "cheat", Decide: cheat}})
	require.ErrorIs(t, err, replay.ErrNotBlind)
	assert.Positive(t, checked[0].Differ)
	assert.NotEmpty(t, checked[0].Example)

	masked, _, err := r.Masked()
	require.NoError(t, err)
	_, err = masked.Check(replay.Linkers())
	assert.ErrorIs(t, err, replay.ErrNotBlind, "a recording without truth proves nothing")
}

// calls scores what r is stitched to without some methods.
func calls(t *testing.T, r replay.Recording, disable ...string) score.Count {
	t.Helper()
	released, err := r.Stitch(disable...)
	require.NoError(t, err)
	return replay.Score(released, score.Options{}).Calls
}

func TestCallsThatCompeteAreBetterAssignedTogether(t *testing.T) {
	r, err := replay.Read("../recordings/java-stages-c64.pb.gz")
	require.NoError(t, err)
	together, apart := calls(t, r), calls(t, r, stitchprocessor.Joint)
	assert.Greater(t, together.Recall().Value, apart.Recall().Value+0.05)
	assert.LessOrEqual(t, together.Wrong, apart.Wrong+1, "two calls that change places are both wrong, and may be one of few that are linked apart")
}

func TestABusyGoProgramIsLinkedByTheOrderOfItsRunQueues(t *testing.T) {
	r, err := replay.Read("../recordings/go-direct-c256.pb.gz")
	require.NoError(t, err)
	with, without := calls(t, r), calls(t, r, "run_queue")
	assert.Greater(t, with.Right, without.Right+20)
	assert.LessOrEqual(t, with.Wrong, without.Wrong)
}

func TestWhoIsWokenInTurnIsLinked(t *testing.T) {
	r, err := replay.Read("../recordings/python-fire-and-forget-p40.pb.gz")
	require.NoError(t, err)
	with, without := calls(t, r), calls(t, r, "in_turn")
	assert.Greater(t, with.Right, without.Right+40)
	assert.LessOrEqual(t, with.Wrong, without.Wrong+4, "of 1,470 calls")
}

func TestWithoutAnyMethodNothingIsLinked(t *testing.T) {
	r, err := replay.Read("../recordings/java-submit-get-c64.pb.gz")
	require.NoError(t, err)
	released, err := r.Stitch(stitchprocessor.Methods()...)
	require.NoError(t, err)
	got := replay.Score(released, score.Options{})
	assert.Zero(t, got.Calls.Right+got.Calls.Wrong)
	assert.Positive(t, got.Calls.Orphan)
	require.NotNil(t, got.Release)
	assert.Less(t, got.Release.Max, 11_000.0, "in replay time: at most max_wait after the last span")

	_, err = r.Stitch("magic")
	assert.ErrorContains(t, err, "disable")
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	r, err := replay.Read("../recordings/c-pool-c64.pb.gz")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "copy.pb.gz")
	require.NoError(t, replay.Write(path, r))
	again, err := replay.Read(path)
	require.NoError(t, err)
	assert.Equal(t, bytesOf(t, r), bytesOf(t, again))
	assert.Error(t, replay.Write(filepath.Join(path, "x.pb"), r))
	_, err = replay.Read("no-such.pb")
	assert.Error(t, err)
}
