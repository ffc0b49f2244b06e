package truth_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

const sample = truth.Token(0x0123456789abcdef)

func TestTokensOfOneSeedNeverRepeat(t *testing.T) {
	seen := map[truth.Token]bool{}
	for n := range uint64(100_000) {
		tok := truth.NewToken(7, n)
		require.False(t, seen[tok], "number %d", n)
		seen[tok] = true
	}
	assert.NotEqual(t, truth.NewToken(1, 0), truth.NewToken(2, 0), "seeds must differ")
	assert.Equal(t, truth.NewToken(1, 5), truth.NewToken(1, 5), "a seed must repeat")
}

func TestEveryTokenIsWrittenInOneWidth(t *testing.T) {
	for _, tok := range []truth.Token{0, 1, sample, ^truth.Token(0)} {
		assert.Len(t, tok.String(), truth.Width)
	}
	assert.Equal(t, "tb-0123456789abcdef", sample.String())
}

func TestTokenSurvivesJSON(t *testing.T) {
	text, err := json.Marshal(sample)
	require.NoError(t, err)
	var got truth.Token
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, sample, got)
	for _, bad := range []string{`"tb-0123"`, `"0123456789abcdef"`, `"tb-0123456789abcdeg"`, `"xtb-0123456789abcde"`, `""`} {
		assert.ErrorIs(t, json.Unmarshal([]byte(bad), &got), truth.ErrToken, bad)
	}
}

func TestFindSeesTheFirstTokenWherever(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want truth.Token
		at   int
	}{
		"alone":                        {"tb-0123456789abcdef", sample, 0},
		"in a query":                   {"/work?k=wait&id=tb-0123456789abcdef&x=1", sample, 16},
		"in an SQL comment":            {"SELECT 1 /* tb-0123456789abcdef */", sample, 12},
		"at the end of a key":          {"INCR hits:tb-0123456789abcdef", sample, 10},
		"after something that is not":  {"tb-tb-tb-0123456789abcdef", sample, 6},
		"not in capital letters":       {"tb-0123456789ABCDEF", 0, -1},
		"not cut off":                  {"tb-0123456789abcde", 0, -1},
		"not without the mark":         {"0123456789abcdef", 0, -1},
		"not in nothing":               {"", 0, -1},
		"the first of two":             {"tb-0000000000000001 tb-0000000000000002", 1, 0},
		"followed by more of a number": {"tb-0123456789abcdef0", sample, 0},
		"a zero token is one like any": {"x tb-0000000000000000", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, at := truth.Find(tc.in)
			assert.Equal(t, tc.at, at)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestChoiceIsEvenAndDependsOnTokenAndSaltAlone(t *testing.T) {
	const n, draws = 20, 20_000
	var counts [n]int
	for i := range uint64(draws) {
		pick := truth.NewToken(3, i).Choose(9, n)
		assert.Equal(t, pick, truth.NewToken(3, i).Choose(9, n))
		counts[pick]++
	}
	for pick, got := range counts {
		assert.InDelta(t, draws/n, got, draws/n*0.15, "choice %d", pick)
	}
	differ := 0
	for i := range uint64(100) {
		if truth.NewToken(3, i).Choose(1, n) != truth.NewToken(3, i).Choose(2, n) {
			differ++
		}
	}
	assert.Greater(t, differ, 80, "salts must matter")
}

func newSpan(attributes map[string]any) ptrace.Span {
	span := ptrace.NewSpan()
	if err := span.Attributes().FromRaw(attributes); err != nil {
		panic(err) // a mistake in the test
	}
	return span
}

func TestTokenOfASpan(t *testing.T) {
	one, two := "tb-0000000000000001", "tb-0000000000000002"
	for name, tc := range map[string]struct {
		attributes map[string]any
		want       truth.Token
		ambiguous  bool
	}{
		"in the query":                     {map[string]any{"url.query": "id=" + one}, 1, false},
		"in the path":                      {map[string]any{"url.path": "/work/" + one}, 1, false},
		"in the statement":                 {map[string]any{"db.query.text": "SELECT 1 /* " + one + " */"}, 1, false},
		"in a message id":                  {map[string]any{"messaging.message.id": one}, 1, false},
		"in a captured header":             {map[string]any{truth.HeaderKey: []any{one}}, 1, false},
		"twice the same":                   {map[string]any{"url.query": "id=" + one, "url.full": "http://x/?id=" + one}, 1, false},
		"the header wins":                  {map[string]any{truth.HeaderKey: []any{one}, "url.query": "id=" + two}, 1, false},
		"an empty header does not":         {map[string]any{truth.HeaderKey: []any{}, "url.query": "id=" + two}, 2, false},
		"deep in a map":                    {map[string]any{"x": map[string]any{"y": []any{"z", one}}}, 1, false},
		"in bytes":                         {map[string]any{"x": []byte("a" + one)}, 1, false},
		"none":                             {map[string]any{"url.query": "id=7", "n": 5}, 0, false},
		"two in two attributes":            {map[string]any{"url.query": one, "url.path": two}, 0, true},
		"two in one attribute, a pipeline": {map[string]any{"db.query.text": "INCR " + one + "; INCR " + two}, 0, true},
		"a masked one is none":             {map[string]any{"url.query": "id=tb-0000000000000000"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := truth.OfSpan(newSpan(tc.attributes))
			if tc.ambiguous {
				assert.ErrorIs(t, err, truth.ErrAmbiguous)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func recording() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "app")
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("GET /work/" + sample.String())
	span.Attributes().PutStr("url.query", "k=wait&id="+sample.String())
	span.Attributes().PutStr("evidence.request.handoffs", "cr:futex:1:2:0:1:7f:9")
	span.Attributes().PutEmptySlice(truth.HeaderKey).AppendEmpty().SetStr(sample.String())
	event := span.Events().AppendEmpty()
	event.Attributes().PutEmptyBytes("body").FromRaw([]byte("x" + sample.String()))
	return td
}

func TestMaskOverwritesEveryTokenAndNothingElse(t *testing.T) {
	td := recording()
	masked, n, err := truth.MaskTraces(td)
	require.NoError(t, err)
	assert.Equal(t, 4, n)

	before, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	after, err := (&ptrace.JSONMarshaler{}).MarshalTraces(masked)
	require.NoError(t, err)
	assert.Contains(t, string(before), sample.String(), "the original must stay")
	assert.NotContains(t, string(after), sample.String())

	// In text form the bytes attribute is base64: undo it to compare the rest.
	masked.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Events().At(0).Attributes().
		PutEmptyBytes("body").FromRaw([]byte("x" + sample.String()))
	after, err = (&ptrace.JSONMarshaler{}).MarshalTraces(masked)
	require.NoError(t, err)
	assert.Equal(t, string(before), strings.ReplaceAll(string(after), truth.Token(0).String(), sample.String()))
}

func TestMaskOfTextKeepsItsLength(t *testing.T) {
	text := []byte(fmt.Sprintf(`{"a":"%s","b":"%s","c":"tb-none"}`, sample, truth.Token(2)))
	length := len(text)
	assert.Equal(t, 2, truth.Mask(text))
	assert.Len(t, text, length)
	assert.JSONEq(t, `{"a":"tb-0000000000000000","b":"tb-0000000000000000","c":"tb-none"}`, string(text))
	assert.Equal(t, 0, truth.Mask(nil))
}

func TestLogsSurviveTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.jsonl")
	want := []truth.Request{
		{Token: sample, Class: "work", Phase: truth.PhaseRun, Due: 1, Start: 2, End: 3, Status: 200, Port: 4},
		{Token: 5, Phase: truth.PhaseWarm, Error: "read: timeout", Retried: true},
	}
	require.NoError(t, truth.WriteLog(path, want))
	got, err := truth.ReadLog[truth.Request](path)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestADamagedLogSaysWhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"tb-0123456789abcdef","path":"/b1"}`+"\n"+`{"id":"tb-01`), 0o644))
	got, err := truth.ReadLog[truth.Call](path)
	assert.ErrorContains(t, err, "record 2")
	assert.Len(t, got, 1)

	_, err = truth.ReadLog[truth.Call](path + ".missing")
	assert.ErrorContains(t, err, "open truth log")
	assert.ErrorContains(t, truth.WriteLog(filepath.Join(path, "x"), []truth.Call{}), "create truth log")
}

func FuzzFind(f *testing.F) {
	f.Add("id=tb-0123456789abcdef")
	f.Fuzz(func(t *testing.T, s string) {
		tok, at := truth.Find(s)
		if at >= 0 {
			assert.Equal(t, tok.String(), s[at:at+truth.Width])
		}
		b := []byte(s)
		n := truth.Mask(b)
		assert.Len(t, b, len(s))
		assert.Equal(t, at >= 0, n > 0)
	})
}

func BenchmarkMask(b *testing.B) {
	wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(recording())
	require.NoError(b, err)
	b.SetBytes(int64(len(wire)))
	for b.Loop() {
		truth.Mask(wire)
	}
}
