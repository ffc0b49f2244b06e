package conn

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

// duplex is a client connection with one thread that writes and one that reads,
// like those of Go and of most drivers with callbacks.
type duplex struct {
	w              *world
	s              *simkernel.Socket
	writer, reader *simkernel.Thread
}

func newDuplex(w *world) *duplex {
	d := &duplex{w: w, writer: w.process.Thread(), reader: w.process.Thread()}
	d.s = w.Dial(d.writer, local, remote)
	return d
}

// call plays a request and its response. If overtaken, the record of the read
// comes first, although it happened after the write had begun.
func (d *duplex) call(name string, overtaken bool) {
	request, response := "Q "+name+"\n", "A ok "+name+" \n"
	if !overtaken {
		d.s.Write(d.writer, request)
		d.s.Read(d.reader, response)
		return
	}
	begin := d.w.Now
	d.w.Sleep(5 * time.Microsecond)
	d.s.Read(d.reader, response)
	end := d.w.Now
	d.w.Now = begin
	d.s.Write(d.writer, request)
	d.w.Now = end
}

// TestRepliesThatOvertakeTheirRequests demands that every call of a client finds
// its own response, however often records come in the wrong order, and that no
// doubt remains.
func TestRepliesThatOvertakeTheirRequests(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 5))
		w := newWorld(t, nil)
		d := newDuplex(w)
		const n = 50
		for i := range n {
			d.call(fmt.Sprintf("r%d", i), rng.IntN(3) == 0)
			if rng.IntN(4) == 0 {
				w.tick(time.Millisecond)
			}
		}
		require.Len(t, w.got, n, "seed %d", seed)
		for i, e := range w.got {
			require.NotNil(t, e.ResponseMessage, "seed %d call %d", seed, i)
			require.Contains(t, e.ResponseMessage.Attributes[0].Str, " "+e.RequestMessage.Name+" ", "seed %d", seed)
			require.False(t, e.Lossy, "seed %d call %d", seed, i)
			require.Less(t, e.Request.Start, e.Response.End)
		}
		require.Zero(t, w.table.Stats().LostTurns)
	}
}

// TestTwoThreadsReadOneStream lets two threads share the reading of requests, with
// records in any order within a few, and demands that all is put in order.
func TestTwoThreadsReadOneStream(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 6))
		w := newWorld(t, nil)
		s := w.Accept(w.thread, local, remote)
		threads := []*simkernel.Thread{w.thread, w.process.Thread()}
		const n = 40
		for i := range n {
			text := fmt.Sprintf("Q r%d len=30\n", i) + "012345678901234567890123456789"
			w.Pause()
			pieces := 0
			for len(text) > 0 {
				size := min(1+rng.IntN(20), len(text))
				s.Read(threads[rng.IntN(2)], text[:size])
				text = text[size:]
				pieces++
			}
			extra := 0
			if i == 0 {
				extra = 1 // the announcement
			}
			w.Resume(swapped(rng, pieces+extra, extra)...)
			s.Write(threads[rng.IntN(2)], fmt.Sprintf("A ok r%d \n", i))
		}
		require.Len(t, w.got, n, "seed %d", seed)
		for i, e := range w.got {
			require.Equal(t, fmt.Sprintf("r%d", i), e.RequestMessage.Name)
			require.Contains(t, e.ResponseMessage.Attributes[0].Str, " "+e.RequestMessage.Name+" ")
		}
		s2 := w.table.Stats().Streams
		assert.Zero(t, s2.Lost, "seed %d", seed)
	}
}

// swapped is 0 to n-1 with some neighbours from index fixed+1 on swapped: the
// first record of a stream says where it begins.
func swapped(rng *rand.Rand, n, fixed int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := fixed + 2; i < n; i++ {
		if rng.IntN(4) == 0 {
			order[i], order[i-1] = order[i-1], order[i]
		}
	}
	return order
}
