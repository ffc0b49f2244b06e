package prototest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Secret stands in golden files for what must never leave a parser.
const Secret = "s3cret"

// Golden runs every conversation of the golden files that match the glob
// pattern, compares the messages and checks that any split of the same bytes
// gives the same ones, that losing the ends of messages does no harm and that no
// Secret gets through.
func Golden(t *testing.T, p protocol.Protocol, frame Frame, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files, "no golden file matches %s", pattern)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { goldenFile(t, p, frame, file) })
	}
}

func goldenFile(t *testing.T, p protocol.Protocol, frame Frame, file string) {
	archive, err := txtar.ParseFile(file)
	require.NoError(t, err)
	if os.Getenv("PROTOTEST_UPDATE") != "" {
		update(t, p, frame, file, archive)
	}
	require.NotEmpty(t, archive.Files)
	require.Zero(t, len(archive.Files)%2, "each conversation needs a messages section behind it")
	for i := 0; i < len(archive.Files); i += 2 {
		want := archive.Files[i+1]
		require.Equal(t, "messages", want.Name)
		t.Run(archive.Files[i].Name, func(t *testing.T) {
			script, err := Parse(string(archive.Files[i].Data), frame)
			require.NoError(t, err)
			got := play(t, p, &script.Options, script.Conversation)
			assert.Equal(t, string(want.Data), got)
			assert.NotContains(t, got, Secret)
			Splits(t, p, &script.Options, script.Conversation)
			Heads(t, p, &script.Options, script.Conversation)
		})
	}
}

// update replaces the messages of every conversation by what the parser says.
func update(t *testing.T, p protocol.Protocol, frame Frame, file string, archive *txtar.Archive) {
	var files []txtar.File
	for _, f := range archive.Files {
		if f.Name == "messages" {
			continue
		}
		script, err := Parse(string(f.Data), frame)
		require.NoError(t, err, f.Name)
		messages := play(t, p, &script.Options, script.Conversation)
		files = append(files, f, txtar.File{Name: "messages", Data: []byte(messages)})
	}
	archive.Files = files
	require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o600))
}

// play runs a conversation with a new parser and renders what came of it.
func play(t *testing.T, p protocol.Protocol, o *protocol.Options, c Conversation) string {
	t.Helper()
	d := NewDriver(p.New(o))
	d.Play(c)
	require.NoError(t, d.Err())
	return Render(d.Records)
}

// Conversations returns the conversations of all golden files that match, for
// the seeds of a fuzz test.
func Conversations(tb testing.TB, frame Frame, pattern string) []Conversation {
	tb.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(tb, err)
	var all []Conversation
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(tb, err)
		for _, f := range archive.Files {
			if f.Name == "messages" {
				continue
			}
			script, err := Parse(string(f.Data), frame)
			require.NoError(tb, err, f.Name)
			all = append(all, script.Conversation)
		}
	}
	return all
}
