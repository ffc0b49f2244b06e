package spanfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/spanfile"
)

func named(name string) ptrace.Traces {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName(name)
	span.Attributes().PutInt("evidence.conn.id", 1<<62)
	return td
}

func write(t *testing.T, name string, messages ...ptrace.Traces) string {
	path := filepath.Join(t.TempDir(), name)
	w, err := spanfile.Create(path)
	require.NoError(t, err)
	for _, td := range messages {
		require.NoError(t, w.Write(td))
	}
	require.NoError(t, w.Close())
	return path
}

func TestWhatIsWrittenIsReadInEveryForm(t *testing.T) {
	for _, name := range []string{"r.jsonl", "r.json", "r.pb", "r.jsonl.gz", "r.pb.gz"} {
		t.Run(name, func(t *testing.T) {
			path := write(t, name, named("one"), ptrace.NewTraces(), named("two"))
			var got []ptrace.Traces
			require.NoError(t, spanfile.Each(path, func(td ptrace.Traces) error {
				got = append(got, td)
				return nil
			}))
			assert.Equal(t, []ptrace.Traces{named("one"), ptrace.NewTraces(), named("two")}, got)
		})
	}
}

func TestReadingStopsAtTheFirstErrorOfTheReader(t *testing.T) {
	path, enough := write(t, "r.pb", named("one"), named("two")), errors.New("enough")
	n := 0
	assert.ErrorIs(t, spanfile.Each(path, func(ptrace.Traces) error { n++; return enough }), enough)
	assert.Equal(t, 1, n)
}

func TestADamagedRecordingSaysWhichMessage(t *testing.T) {
	for name, content := range map[string]string{
		"cut.pb":    "\x00\x00\x00\x00\x00\x00\x00\x09abc",
		"huge.pb":   "\x00\x00\x00\x00\xff\xff\xff\xff",
		"head.pb":   "\x00\x00\x00\x00\x00\x00",
		"junk.pb":   "\x00\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff",
		"cut.jsonl": "{}\n{\"resourceSpans\":[{",
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		err := spanfile.Each(path, func(ptrace.Traces) error { return nil })
		assert.ErrorContains(t, err, "message 2", name)
	}
}

func TestALastLineNeedsNoEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{}\n{}"), 0o644))
	n := 0
	require.NoError(t, spanfile.Each(path, func(ptrace.Traces) error { n++; return nil }))
	assert.Equal(t, 2, n)
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	assert.ErrorIs(t, spanfile.Each(filepath.Join(dir, "none.pb"), nil), os.ErrNotExist)
	_, err := spanfile.Create(filepath.Join(dir, "none", "r.pb"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	plain := filepath.Join(dir, "plain.gz")
	require.NoError(t, os.WriteFile(plain, []byte("not compressed"), 0o644))
	assert.ErrorContains(t, spanfile.Each(plain, nil), "open recording")
}
