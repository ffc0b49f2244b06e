package link_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// trusted plays a script and returns the claims that may decide a call. Those that do so
// at once are decisions.
func trusted(t *testing.T, text string, reverse bool) []string {
	t.Helper()
	var l *link.Linker
	var claims []string
	p := window.New()
	l = link.New(p, func(c *window.Node, claim window.Claim) {
		name := link.Describe(claim.Kind).Name
		if claim.Trust < window.Likely || claim.Parent == nil || claim.Score == 0 {
			return
		}
		claims = append(claims, name+" "+c.Ref.(string)+" "+claim.Parent.Ref.(string))
		if claim.Trust >= window.Decisive && c.State == window.Undecided {
			c.State, c.Kind, c.Parent = window.Linked, claim.Kind, claim.Parent
			l.Decided(c)
		}
	})
	s := read(t, text)
	nodes := s.deliver(l, p, reverse)
	p.Watermark = s.now + 1e9
	l.Advance(p.Watermark)
	for _, n := range nodes {
		if !n.Server && n.State == window.Undecided {
			l.Ripe(n, true)
		}
	}
	slices.Sort(claims)
	return slices.Compact(claims)
}

// In Go a thread goes on with whatever goroutine is next: what it did right before a call
// and right after may be of two requests.
func TestWhereTwoNeighboursContradictEachOther(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		want   []string
	}{
		"the thread read one request before, and replied to another one after": {
			"2g2 2<R 1g1 1<S 1g8 1>a 2g9 2<a 2g2 2>R 1tick 1g1 1>S", nil,
		},
		"likewise if it had replied to that one": {
			"2g2 2<R 1g1 1<S 1>S 1g8 1>a 2g9 2<a 2g2 2>R", nil,
		},
		"that one has made a call of its own": {
			"2g2 2<R 1g1 1<S 1g8 1>a 2g9 2<a 2g2 2>R 3g7 3>b 3g6 3<b 3g1 3>S", []string{"reply a R", "reply b S"},
		},
		"it made a call of another kind": {
			"2g2 2<R b%7 1g1 1<S 1g8 1>a 2g9 2<a 2g2 2>R 3g7 3>b 3g6 3<b 3g1 3>S", []string{"reply b S"},
		},
		"the thread slept between": {
			"2g2 2<R 1g1 1<S 1tick 1g8 1>a 2g9 2<a 2g2 2>R 1g1 1>S", []string{"reply a R"},
		},
		"it did something else between": {
			"2g2 2<R 1g1 1<S 1g8 1>b 1>a 2g9 2<a 2g2 2>R 1tick 1<b 1wait 1g1 1>S", []string{"adjacent b S", "reply a R"},
		},
		"another request was replied to by a burst": {
			"2g2 2<R 1g1 1<S 1g8 1>a 2g9 2<a 2g7 2>b 2g2 2>R 1tick 1<b 1tick 1g1 1>S", nil,
		},
		"nothing followed the reply": {
			"1g1 1<S 1g8 1>a 3g7 3>b 2g9 2<a 2g6 2<b 1tick 1g1 1>S", nil,
		},
		"nor was it the last one, but the last one was of its kind": {
			"1g1 1<S 1g8 1>a 3g7 3>b 2g9 2<a 2g6 2<b 2g1 2>S", []string{"reply b S"},
		},
		"but it is not the last one that the request waited for": {
			"b%7 1g1 1<S 1g8 1>a 3g7 3>b 2g9 2<a 2g6 2<b 2g1 2>S", []string{"adjacent a S", "reply b S"},
		},
	} {
		for _, reverse := range []bool{false, true} {
			assert.Equal(t, tt.want, trusted(t, tt.script, reverse), "%s, reverse: %v", name, reverse)
		}
	}
}

// Who waits for a worker goes to the end of the queue when that takes its next job.
func TestAReplyThatEndsARunMayBeThatOfAnotherCallReadInIt(t *testing.T) {
	const calls = "9g1 9<X 9wait 9g7 9>c 3g2 3<R 3wait 3g8 3>a 2g9 2<a 2g6 "
	for name, tt := range map[string]struct {
		script string
		want   []string
	}{
		"the thread went to sleep after it":        {calls + "2>k 2g5 2<c 2g2 2>R 2tick 2<k 9g1 9>X", nil},
		"it did nothing any more":                  {calls + "2>k 2g5 2<c 2g2 2>R 1<k 9g1 9>X", nil},
		"it went on":                               {calls + "2>k 2g5 2<c 2g2 2>R 2<k 9g1 9>X", []string{"reply c R"}},
		"no job was taken":                         {calls + "2g5 2<c 2g2 2>R 2tick 1>k 1<k 9g1 9>X", []string{"reply c R"}},
		"who waited had had a turn by then":        {calls + "2>k 2tick 2g5 2<c 2g2 2>R 2tick 2<k 9g1 9>X", []string{"reply c R"}},
		"the thread has only one goroutine at all": {"9<X 9wait 9>c 3<R 3wait 3>a 2<a 2>k 2<c 2>R 2wait 2<k 9>X", []string{"reply c R"}},
	} {
		for _, reverse := range []bool{false, true} {
			got := slices.DeleteFunc(trusted(t, tt.script, reverse), func(s string) bool { return !strings.HasPrefix(s, "reply ") })
			if len(got) == 0 {
				got = nil
			}
			assert.Equal(t, tt.want, got, "%s, reverse: %v", name, reverse)
		}
	}
}

func TestIsolationIsNoSecondFactWhereNeighboursContradict(t *testing.T) {
	const dispute = "2g2 2<R zzz 1g1 1<S 1g8 1>a 2g9 2<a "
	assert.Empty(t, about(read(t, dispute+"2g2 2>R 1tick 1g1 1>S").links(false), "isolated"))
	assert.Equal(t, []string{"isolated a S"}, about(read(t, dispute+"2wait 2g2 2>R 1tick 1g1 1>S").links(false), "isolated"))
}
