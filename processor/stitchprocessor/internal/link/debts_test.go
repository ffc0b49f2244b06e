package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

const ms = int64(1e6)

// debtCase has requests of one kind, one every 10 ms that takes 1 ms, and late calls of
// them, which take 50 ms and are decided when they end.
type debtCase struct {
	l   *Linker
	now int64
}

func newDebtCase() *debtCase {
	return &debtCase{l: New(window.New(), func(*window.Node, window.Claim) {}), now: 1000 * ms}
}

func (d *debtCase) request() *window.Node {
	d.now += 10 * ms
	r := window.NewNode(&evidence.Exchange{Request: evidence.Message{Start: d.now, End: d.now}}, true, d.now+ms)
	r.Operation = 1
	d.l.debts.observe(r)
	return r
}

func (d *debtCase) call(r *window.Node, operation uint64) {
	c := window.NewNode(&evidence.Exchange{Request: evidence.Message{Start: r.End, End: r.End}}, false, r.End+50*ms)
	c.Operation, c.Parent = operation, r
	d.l.debts.learn(c, c.End)
}

func TestRequestsOweTheLateCallsThatTheirKindMakes(t *testing.T) {
	d := newDebtCase()
	for i := range 2 * enough {
		r := d.request()
		d.call(r, 7)
		if i%4 == 0 {
			d.call(r, 8) // too seldom to expect it
		}
	}
	r := d.request()
	d.l.p.Watermark = r.End + 60*ms
	assert.True(t, d.l.Owes(r, d.l.p.Watermark), "a bit late")
	d.call(r, 8)
	assert.True(t, d.l.Owes(r, d.l.p.Watermark), "that was another one")
	d.call(r, 7)
	assert.False(t, d.l.Owes(r, d.l.p.Watermark), "paid")

	r = d.request()
	d.l.p.Watermark = r.End + 74*ms
	assert.True(t, d.l.Owes(r, d.l.p.Watermark))
	d.l.p.Watermark = r.End + 75*ms
	assert.False(t, d.l.Owes(r, d.l.p.Watermark), "half as long again as any took: nobody waits for the deadline")

	for range 2 * debtMemory {
		d.request()
	}
	r = d.request()
	d.l.p.Watermark = r.End
	assert.False(t, d.l.Owes(r, d.l.p.Watermark), "forgotten: they make such calls no more")
}

func TestNothingIsOwedBeforeItIsKnown(t *testing.T) {
	d := newDebtCase()
	for range enough - 2 {
		d.call(d.request(), 7)
	}
	r := d.request()
	d.l.p.Watermark = r.End
	assert.False(t, d.l.Owes(r, d.l.p.Watermark))
	d.call(r, 7)
	assert.True(t, d.l.Owes(d.request(), d.l.p.Watermark))
}

func TestDebtsAreBounded(t *testing.T) {
	d := newDebtCase()
	r := d.request()
	for op := range uint64(4 * maxDebts) {
		d.call(r, op)
	}
	assert.Len(t, d.l.debts.of.get(1).calls, maxDebts)
	for op := range uint64(4 * maxOperations) {
		x := d.request()
		x.Operation = op
		d.l.debts.observe(x)
	}
	assert.LessOrEqual(t, len(d.l.debts.of.of), maxOperations)
	assert.Positive(t, d.l.Dropped().Operations)
	assert.Zero(t, d.l.Dropped().Operations)
}
