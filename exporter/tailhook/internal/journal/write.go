package journal

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// write is the writer: it brings calls to the storage as they come, those that
// wait together in one transaction, and flushes now and then.
func (j *Journal) write() {
	ticker := time.NewTicker(FlushEvery)
	defer ticker.Stop()
	for {
		select {
		case r := <-j.accept:
			j.commit(j.gather(r))
		case <-ticker.C:
			_ = j.flush(context.Background()) // what failed is tried again; counted by Failed
		case <-j.stop:
			return
		}
	}
}

func (j *Journal) gather(r *request) []*request {
	group := []*request{r}
	for len(group) < maxGroup {
		select {
		case r := <-j.accept:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commit writes a group of calls and tells their callers.
func (j *Journal) commit(group []*request) {
	ops := make([]*storage.Operation, 0, len(group)+1)
	j.mu.Lock()
	next := j.bounds
	for _, r := range group {
		r.call = next.nextCall
		next.nextCall++
		ops = append(ops, storage.SetOperation(keyCall(r.call), r.data))
	}
	ops = append(ops, storage.SetOperation(keyBounds, next.encode()))
	j.mu.Unlock()
	err := j.run(context.Background(), ops)
	if err == nil {
		j.mu.Lock()
		j.bounds.nextCall = next.nextCall
		j.mu.Unlock()
		for _, r := range group {
			j.open(r.call, r.fragments, nil)
		}
	}
	for _, r := range group {
		r.done <- err
	}
}

func (j *Journal) run(ctx context.Context, ops []*storage.Operation) error {
	err := j.client.Batch(ctx, ops...)
	if err != nil {
		err = fmt.Errorf("journal: write: %w", err)
		if j.opts.Failed != nil {
			j.opts.Failed(err)
		}
	}
	return err
}

// change is what one flush writes, to be taken back if it fails.
type change struct {
	ops       []*storage.Operation
	calls     []uint64
	decisions []Decision
	bounds    bounds
	pages     []int
	tail      []byte
}

// flush writes finished fragments and decisions since the last one.
func (j *Journal) flush(ctx context.Context) error {
	j.mu.Lock()
	c := j.collect()
	j.mu.Unlock()
	if len(c.ops) == 0 {
		return nil
	}
	c.ops = append(c.ops, storage.SetOperation(keyBounds, c.bounds.encode()))
	err := j.run(ctx, c.ops)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.takeBack(&c)
		return err
	}
	j.bounds.firstCall, j.bounds.firstPage, j.bounds.nextPage = c.bounds.firstCall, c.bounds.firstPage, c.bounds.nextPage
	j.pages, j.held, j.tail = c.pages, 0, c.tail
	for _, n := range j.pages {
		j.held += n
	}
	return nil
}

func (j *Journal) collect() change {
	c := change{calls: j.dirty, decisions: j.pending, bounds: j.bounds}
	j.dirty, j.pending = nil, nil
	for _, n := range c.calls {
		st := j.calls[n]
		st.dirty = false
		if st.left > 0 {
			c.ops = append(c.ops, storage.SetOperation(keyFragments(n), append([]byte(nil), st.finished...)))
			continue
		}
		delete(j.calls, n)
		c.ops = append(c.ops, storage.DeleteOperation(keyCall(n)), storage.DeleteOperation(keyFragments(n)))
	}
	for c.bounds.firstCall < c.bounds.nextCall && j.calls[c.bounds.firstCall] == nil {
		c.bounds.firstCall++
	}
	c.pages, c.tail = append([]int(nil), j.pages...), j.tail
	j.collectDecisions(&c)
	return c
}

// pageDecisions is the size of a page; until then it is written again and again.
const pageDecisions = 1024

// collectDecisions adds to the last page, and deletes pages that are no longer
// needed.
func (j *Journal) collectDecisions(c *change) {
	if len(c.decisions) == 0 {
		return
	}
	if len(c.tail) == 0 || len(c.tail) >= pageDecisions*decisionSize {
		c.tail = nil
		c.pages = append(c.pages, 0)
		c.bounds.nextPage++
	}
	page := append([]byte(nil), c.tail...)
	for i := range c.decisions {
		page = appendDecision(page, &c.decisions[i])
	}
	c.ops = append(c.ops, storage.SetOperation(keyPage(c.bounds.nextPage-1), page))
	c.tail = page
	c.pages[len(c.pages)-1] = len(page) / decisionSize
	held := j.held + len(c.decisions)
	for len(c.pages) > 1 && held-c.pages[0] >= j.opts.Decisions {
		held -= c.pages[0]
		c.ops = append(c.ops, storage.DeleteOperation(keyPage(c.bounds.firstPage)))
		c.bounds.firstPage++
		c.pages = c.pages[1:]
	}
}

// takeBack makes the next flush try a failed change again.
func (j *Journal) takeBack(c *change) {
	for _, n := range c.calls {
		st := j.calls[n]
		if st == nil {
			st = &callState{}
			j.calls[n] = st
		}
		j.touch(n, st)
	}
	j.pending = append(c.decisions, j.pending...)
	if over := len(j.pending) - j.opts.Decisions; over > 0 {
		j.pending = j.pending[over:]
	}
}
