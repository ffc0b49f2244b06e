package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// FlushEvery is the time between two transactions that finish fragments.
const FlushEvery = 50 * time.Millisecond

// maxGroup bounds the calls that are written in one transaction.
const maxGroup = 64

// ErrClosed is returned by Accept after Close.
var ErrClosed = errors.New("journal: closed")

// Ref names a fragment: one call's part of one trace.
type Ref struct {
	// Call is the number that Accept returned.
	Call uint64
	// Fragment is its index in the call.
	Fragment int
}

// Options bound a journal.
type Options struct {
	// Decisions is the number of decisions to remember.
	Decisions int
	// Failed is told of transactions that failed, to count them. May be nil.
	Failed func(error)
}

// Journal is safe for concurrent use. One goroutine writes.
type Journal struct {
	client storage.Client
	opts   Options
	accept chan *request
	stop   chan struct{}
	work   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	bounds  bounds
	calls   map[uint64]*callState
	dirty   []uint64 // calls with fragments finished since the last flush
	pending []Decision
	pages   []int  // decisions per page, from bounds.firstPage on
	held    int    // their sum
	tail    []byte // the last page, if it has room
}

type callState struct {
	finished Finished
	left     int
	dirty    bool
}

// request is one call on its way to the storage.
type request struct {
	data      []byte
	fragments int
	call      uint64
	done      chan error
}

// Open finds what an earlier run left in client, which Close closes. Decisions
// and Replay must be called, in this order, before Accept.
func Open(ctx context.Context, client storage.Client, opts *Options) (*Journal, error) {
	j := &Journal{
		client: client, accept: make(chan *request), stop: make(chan struct{}),
		calls: map[uint64]*callState{},
	}
	if opts != nil {
		j.opts = *opts
	}
	data, err := client.Get(ctx, keyBounds)
	if err != nil {
		return nil, fmt.Errorf("journal: read bounds: %w", err)
	}
	if err := j.bounds.decode(data); err != nil {
		return nil, err
	}
	return j, nil
}

// Replayed is one call of an earlier run, as the caller of Replay has read it.
type Replayed struct {
	// Fragments is the number of fragments of the call; 0 gives it up.
	Fragments int
	// Start hands the unfinished ones over. Done may be called from then on.
	Start func()
}

// Decisions calls fn for every decision that is remembered, oldest first. It
// must be called once, before Replay.
func (j *Journal) Decisions(ctx context.Context, fn func(Decision)) error {
	for n := j.bounds.firstPage; n < j.bounds.nextPage; n++ {
		page, err := j.client.Get(ctx, keyPage(n))
		if err != nil {
			return fmt.Errorf("journal: read decisions: %w", err)
		}
		readDecisions(page, fn)
		j.pages = append(j.pages, len(page)/decisionSize)
		j.held += len(page) / decisionSize
	}
	return nil
}

// Replay calls read for every call that has unfinished fragments, and then
// starts the writer: a flush must not pass over calls that nobody has read yet.
func (j *Journal) Replay(ctx context.Context, read func(n uint64, data []byte, done Finished) Replayed) error {
	first, next := j.bounds.firstCall, j.bounds.nextCall
	for n := first; n < next; n++ {
		if err := j.replay(ctx, n, read); err != nil {
			return err
		}
	}
	j.work.Go(j.write)
	return nil
}

func (j *Journal) replay(ctx context.Context, n uint64, read func(uint64, []byte, Finished) Replayed) error {
	get, done := storage.GetOperation(keyCall(n)), storage.GetOperation(keyFragments(n))
	if err := j.client.Batch(ctx, get, done); err != nil {
		return fmt.Errorf("journal: read call %d: %w", n, err)
	}
	if get.Value == nil {
		return nil
	}
	r := read(n, get.Value, Finished(done.Value))
	j.open(n, r.Fragments, Finished(done.Value))
	if r.Fragments > 0 {
		r.Start()
	}
	return nil
}

// open registers call n, of whose fragments some may be finished.
func (j *Journal) open(n uint64, fragments int, done Finished) {
	j.mu.Lock()
	defer j.mu.Unlock()
	st := &callState{finished: newFinished(fragments), left: fragments}
	j.calls[n] = st
	for i := range fragments {
		if done.Has(i) {
			st.finished.set(i)
			st.left--
		}
	}
	if st.left == 0 {
		j.touch(n, st)
	}
}

// Accept writes a call and returns its number when it is safe.
func (j *Journal) Accept(data []byte, fragments int) (uint64, error) {
	r := &request{data: data, fragments: fragments, done: make(chan error, 1)}
	select {
	case j.accept <- r:
		err := <-r.done
		return r.call, err
	case <-j.stop:
		return 0, ErrClosed
	}
}

// Done finishes fragments, all in one transaction.
func (j *Journal) Done(refs ...Ref) {
	if len(refs) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range refs {
		j.finish(r)
	}
}

func (j *Journal) finish(r Ref) {
	st := j.calls[r.Call]
	if st == nil || st.finished.Has(r.Fragment) {
		return
	}
	st.finished.set(r.Fragment)
	st.left--
	j.touch(r.Call, st)
}

func (j *Journal) touch(n uint64, st *callState) {
	if !st.dirty {
		st.dirty = true
		j.dirty = append(j.dirty, n)
	}
}

// Decided remembers a decision.
func (j *Journal) Decided(d Decision) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.pending) < j.opts.Decisions {
		j.pending = append(j.pending, d)
	}
}

// Pending returns the number of calls with unfinished fragments.
func (j *Journal) Pending() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.calls)
}

// Close writes what is finished and closes the client. No Accept may be running.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	closed := j.closed
	j.closed = true
	j.mu.Unlock()
	if closed {
		return nil
	}
	close(j.stop)
	j.work.Wait()
	return errors.Join(j.flush(ctx), j.client.Close(ctx))
}
