package delay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/delay"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// start serves on a free port and returns its URL.
func start(t *testing.T, s *delay.Server) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() { assert.NoError(t, <-served) })
	return "http://" + l.Addr().String()
}

func get(t *testing.T, url string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	return string(text)
}

func TestEveryCallIsLoggedAndCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	f, err := os.Create(path)
	require.NoError(t, err)
	s := delay.New(4, f)
	url := start(t, s)
	for n := range uint64(5) {
		assert.Equal(t, "ok\n", get(t, fmt.Sprintf("%s/b%d?id=%v", url, n, truth.NewToken(1, n))))
	}
	assert.Equal(t, "5", get(t, url+delay.CountPath), "the count is not a call")
	require.NoError(t, s.Close(t.Context()))
	require.NoError(t, f.Close())
	calls, err := truth.ReadLog[truth.Call](path)
	require.NoError(t, err)
	require.Len(t, calls, 5)
	for n, c := range calls {
		assert.Equal(t, truth.NewToken(1, uint64(n)), c.Token)
		assert.Equal(t, fmt.Sprintf("/b%d", n), c.Path)
		assert.NotEmpty(t, c.Peer)
		assert.GreaterOrEqual(t, time.Duration(c.End-c.Start), delay.Of(4, c.Token, c.Path))
	}
}

func TestDelaysAreEvenBetweenTheirBounds(t *testing.T) {
	const n = 5000
	var sum, least, most time.Duration = 0, time.Hour, 0
	for i := range uint64(n) {
		d := delay.Of(1, truth.NewToken(2, i), "/b1")
		sum, least, most = sum+d, min(least, d), max(most, d)
	}
	assert.InEpsilon(t, float64(delay.Mean), float64(sum/n), 0.03)
	assert.GreaterOrEqual(t, least, delay.Shortest)
	assert.LessOrEqual(t, most, delay.Longest)
	assert.Less(t, least, 2*delay.Shortest)
	assert.Greater(t, most, delay.Longest-time.Millisecond)
}

func TestADelayDependsOnSeedTokenAndPathAlone(t *testing.T) {
	a := delay.Of(1, 5, "/b1")
	assert.Equal(t, a, delay.Of(1, 5, "/b1"))
	assert.NotEqual(t, a, delay.Of(2, 5, "/b1"))
	assert.NotEqual(t, a, delay.Of(1, 6, "/b1"))
	assert.NotEqual(t, a, delay.Of(1, 5, "/b2"))
}

func TestACallWithoutATokenIsLoggedWithoutOne(t *testing.T) {
	var log bytes.Buffer
	s := delay.New(1, &log)
	get(t, start(t, s)+"/b1")
	require.NoError(t, s.Close(t.Context()))
	var c truth.Call
	require.NoError(t, json.Unmarshal(log.Bytes(), &c))
	assert.Zero(t, c.Token)
	assert.Equal(t, "/b1", c.Path)
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestALogThatCannotBeWrittenIsAnErrorInTheEnd(t *testing.T) {
	s := delay.New(1, fullDisk{})
	get(t, start(t, s)+"/b1?id=tb-0000000000000001")
	assert.ErrorIs(t, s.Close(context.Background()), errFull)
}

func TestServingNowhereIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	assert.ErrorContains(t, delay.New(1, io.Discard).Serve(l), "serve")
}
