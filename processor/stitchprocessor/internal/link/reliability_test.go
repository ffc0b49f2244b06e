package link

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func endpoint(n int) uint64 {
	return window.PeerOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 80))
}

func TestSupportingEvidenceIsSilencedForTheEndpointsOfWhichItIsWrong(t *testing.T) {
	good, bad := endpoint(1), endpoint(2)
	request, other := &window.Node{Server: true}, &window.Node{Server: true}
	call := func(peer uint64) *window.Node {
		return &window.Node{Peer: peer, State: window.Linked, Parent: request, Kind: Thread}
	}
	var last window.Claim
	l := New(window.New(), func(_ *window.Node, c window.Claim) { last = c })
	learn := func(peer uint64, k window.Kind, parent *window.Node, times int) {
		for range times {
			l.trust.judge(call(peer), window.Claim{Parent: parent, Kind: k})
		}
	}
	score := func(peer uint64, k window.Kind) float64 {
		l.claim(&window.Node{Peer: peer}, window.Claim{Parent: request, Kind: k, Score: 0.99})
		return last.Score
	}
	learn(good, Submit, request, 100)
	learn(bad, Submit, other, enough-1)
	assert.Equal(t, 0.99, score(bad, Submit), "too few samples")
	learn(bad, Submit, other, 1)
	assert.Zero(t, score(bad, Submit))
	assert.Equal(t, 0.99, score(good, Submit))
	assert.Equal(t, 0.99, score(bad, Creator), "another kind")
	learn(bad, Thread, other, enough)
	assert.Equal(t, 0.99, score(bad, Thread), "what decides by itself is not silenced")
	learn(bad, Submit, request, 4*memory)
	assert.Equal(t, 0.99, score(bad, Submit), "what was wrong is forgotten")
}

func TestAWordByWhichCompletionsCameWrongIsNotBelieved(t *testing.T) {
	request, other := &window.Node{Server: true}, &window.Node{Server: true}
	certain := func(k window.Kind) *window.Node {
		return &window.Node{State: window.Linked, Parent: request, Kind: k}
	}
	h := &evidence.Handoff{Edge: evidence.Futex, Address: 0xa000, WakerTID: 1}
	for name, tt := range map[string]struct {
		right, wrong, after int // completions; after: right ones later
		kind                window.Kind
		unreliable          bool
	}{
		"nothing is known":                      {kind: Thread},
		"one that was wrong":                    {wrong: 1, kind: Thread},
		"two that were wrong":                   {wrong: 2, kind: Thread, unreliable: true},
		"by a context":                          {wrong: 2, kind: Context, unreliable: true},
		"two of many":                           {right: 30, wrong: 2, kind: Thread},
		"another completion says nothing":       {wrong: 9, kind: Finish},
		"nor does what was only likely":         {wrong: 9, kind: Rest},
		"what was wrong is forgotten by and by": {wrong: 9, after: 4 * memory, kind: Thread},
		"but not at once":                       {wrong: 9, after: 50, kind: Thread, unreliable: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLocks()
			l.observe(h, 2)
			for range tt.right {
				l.judge(h, certain(tt.kind), request)
			}
			for range tt.wrong {
				l.judge(h, certain(tt.kind), other)
			}
			for range tt.after {
				l.judge(h, certain(tt.kind), request)
			}
			assert.Equal(t, tt.unreliable, l.unreliable(h))
			assert.False(t, l.unreliable(&evidence.Handoff{Edge: evidence.Futex, Address: 0xb000}), "another word")
		})
	}
}

func TestRequestIDsAreWorthWhatTheyHaveProvedToBe(t *testing.T) {
	for name, tt := range map[string]struct {
		right, wrong int
		least, most  float64
	}{
		"as estimated, as long as nothing is known":   {0, 0, 0.99, 0.99},
		"more where they always agree":                {300, 0, 0.998, 1},
		"a little less after one that did not":        {50, 1, 0.97, 0.99},
		"nothing that could decide where they do not": {5, 20, 0, 0.9},
	} {
		t.Run(name, func(t *testing.T) {
			var r reputations
			for range tt.right {
				r.note(RequestID, true)
			}
			for range tt.wrong {
				r.note(RequestID, false)
			}
			assert.GreaterOrEqual(t, r.estimated(RequestID), tt.least)
			assert.LessOrEqual(t, r.estimated(RequestID), tt.most)
		})
	}
}
