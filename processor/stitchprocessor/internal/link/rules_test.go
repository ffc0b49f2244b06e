package link_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// about keeps the claims of some kinds.
func about(claims []string, kinds ...string) []string {
	var out []string
	for _, c := range claims {
		for _, k := range kinds {
			if strings.HasPrefix(c, k+" ") {
				out = append(out, c)
			}
		}
	}
	return out
}

type ruleCase struct {
	name   string
	script string
	kinds  string // that are looked at
	want   string // claims, separated by commas
}

func (c *ruleCase) check(t *testing.T) {
	t.Helper()
	var want []string
	if c.want != "" {
		want = strings.Split(c.want, ", ")
	}
	kinds := strings.Fields(c.kinds)
	assert.Equal(t, want, about(read(t, c.script).links(false), kinds...))
	assert.Equal(t, want, about(read(t, c.script).links(true), kinds...), "in the opposite order of arrival")
}

func TestThreadRules(t *testing.T) {
	for _, tt := range []ruleCase{
		{"a thread that owns one request makes all its calls for it", "1<R 1>a 1<a 1>b 1<b 1>R", "thread", "thread a R, thread b R"},
		{"sleeping between does not matter then", "1<R 1wait 1>a 1poll 1<a 1sleep 1>R", "thread", "thread a R"},
		{"a thread that reads two requests owns none", "1<R 1<S 1>a 1<a 1>S 1>R", "thread thread_gap", ""},
		{"what it did before must be known", "1hole 1<R 1>a 1<a 1>R", "thread thread_gap", "thread_gap a R"},
		{"another thread's request does not matter", "2<S 1hole 1<R 1>a 1<a 1>R 2>S", "thread thread_gap", "thread_gap a R"},
		{"an event loop between ends the ownership", "1tick 1<R 1tick 1>a 1tick 1<a 1>R", "thread", ""},
		{"a thread of an event loop that stays in one turn owns the request", "1tick 1<R 1>a 1<a 1>R", "thread", "thread a R"},
		{"a hole is not bridged", "1<R 1>a 1<a 1hole 1>R", "thread thread_gap", ""},
		{"another thread's reply leaves it open", "1<R 1>a 1<a 2>R", "thread", ""},
		{"goroutines share a thread: it owns nothing", "1g7 1<R 1g8 1>a 1<a 1g7 1>R", "thread", ""},
		{"a connect in vain is a call of the request, too", "1<R 1!a 1>R", "thread thread_gap", "thread_gap a R"},
		{"also between calls", "1<R 1>a 1<a 1!b 1>c 1<c 1>R", "thread_gap", "thread_gap a R, thread_gap b R, thread_gap c R"},
		{"not after the reply", "1<R 1>a 1<a 1>R 1!b", "thread_gap", "thread_gap a R"},
		{"not before the request", "1!a 1<R 1>R", "thread_gap", ""},
		{"nor if the thread has two requests", "1<R 1<S 1!a 1>S 1>R", "thread_gap", ""},
		{"nor after a hole", "1<R 1hole 1!a 1>R", "thread_gap", ""},
		{"nor in an event loop", "1tick 1<R 1!a 1>R", "thread_gap", ""},
		{"a call that was written elsewhere is not the thread's", "1<R 2>a 1<a 1>R", "thread", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestAHoleMayBeBridgedWhereThreadsServeOneRequestAtATime(t *testing.T) {
	regular := strings.Repeat("", 0)
	for _, name := range strings.Split("A B C D E F G H I J K L M N O P Q S T U V", " ") {
		regular += "1<" + name + " 1>" + name + " "
	}
	gap := "1<R 1>a 1<a 1hole 1>R"
	in := func(text string) []string { return about(read(t, text).links(false), "thread_gap") }
	assert.Equal(t, []string{"thread_gap a R"}, in(regular+gap))
	assert.Empty(t, in(gap), "not before that is known")
	assert.Empty(t, in("2<X 2<Y 2>Y 2>X "+regular+gap), "not where it is otherwise")
	assert.Empty(t, in(strings.ReplaceAll(regular, "1<", "1tick 1<")+"1tick "+gap), "not in an event loop")
}

func TestAdjacencyRules(t *testing.T) {
	for _, tt := range []ruleCase{
		{"the call right after the request is read is made for it", "1<R 1>a 1<a 2>R", "adjacent", "adjacent a R"},
		{"only the first one", "1<R 1>a 1>b 1<a 1<b 2>R", "adjacent", "adjacent a R"},
		{"not after a hole", "1<R 1hole 1>a 2>R", "adjacent", ""},
		{"not after a sleep on a futex", "1<R 1wait 1>a 2>R", "adjacent", ""},
		{"a poll does not matter", "1<R 1poll 1>a 2>R", "adjacent", "adjacent a R"},
		{"event loops have their own rules", "1tick 1<R 1>a 1<a 2>R", "adjacent", ""},
		{"a Go thread that did not sleep goes on with what was made runnable", "1g7 1<R 1g8 1>a 1g9 1<a 1g7 1>R", "adjacent reply", "adjacent a R, reply a R"},
		{"but not one that looked for work", "1g7 1<R 1tick 1g8 1>a 1g9 1<a 1tick 1g7 1>R", "adjacent reply", ""},

		{"the reply right after a call's reply was read is due to that call", "1<R 2>a 2<a 2>R", "reply", "reply a R"},
		{"not after a hole, which may be late", "1<R 2>a 2<a 2hole 2>R", "reply", ""},
		{"not after a sleep", "1<R 2>a 2<a 2wait 2>R", "reply", ""},
		{"not in another turn of an event loop", "1tick 1<R 1>a 1tick 1<a 1tick 1>R", "reply", ""},
		{"not in a turn in which other threads have posted work", "1<Q 2p1 1<R 2<S 2p1 1tick 1>a 1tick 2p1 1<a 1>R", "reply", ""},
		{"not if it was something else that was read", "1<R 2>a 2<a 2<S 2>R", "reply", ""},

		{"in Go the next job's call may come between", "2g1 2<R 1g7 1>a 1tick 1g8 1<a 1g9 1>b 1g3 1>R", "burst reply", "burst a R"},
		{"but not another unanswered reply", "2g1 2<R 1g7 1>a 1>c 1tick 1g8 1<c 1<a 1g9 1>b 1g3 1>R", "burst reply", ""},
		{"nor a sleep", "2g1 2<R 1g7 1>a 1g8 1<a 1tick 1g9 1>b 1g3 1>R", "burst reply", ""},
		{"nor two calls", "2g1 2<R 1g7 1>a 1tick 1g8 1<a 1g9 1>b 1>c 1g3 1>R", "burst reply", ""},
		{"nor if several replies were due", "2g1 2<R 2<S 1g7 1>a 1tick 1g8 1<a 1g9 1>b 1g3 1>R 1g4 1>S", "burst reply", ""},
		{"but one after a sleep may be", "2g1 2<R 2<S 1g7 1>a 1tick 1g8 1<a 1g9 1>b 1g3 1>R 1tick 1g4 1>S", "burst reply", "burst a R"},
		{"nor anything before another reply", "2g1 2<R 2<S 1g7 1>a 1tick 1g8 1<a 1g2 1>S 1g9 1>b 1g3 1>R", "burst", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestWakeRules(t *testing.T) {
	for _, tt := range []ruleCase{
		{"whoever read the call's reply and woke the replier completed the request", "1<R 2>a 2<a 2w1/a0 1>R", "completion", "completion a R"},
		{"of several the last one counts, the others less", "1<R 2>a 3>b 2<a 2w1/a0 3<b 3w1/a8 1>R", "completion completion_earlier", "completion b R, completion_earlier a R"},
		{"through threads in between it counts less", "1<R 2>a 2<a 2h1/a0 1>R", "completion completion_hops", "completion_hops a R"},
		{"a waker whose last message was something else says nothing", "1<R 2<S 2w1/a0 1>R 2>S", "completion completion_hops", ""},
		{"Go threads wake threads, not goroutines", "1g5 1<R 2>a 2<a 2w1/a0 1g6 1>R", "completion", ""},
		{"a wake fd into an event loop is left to the loop rules", "1tick 1<R 2>a 2<a 2p1 1tick 1>R", "completion", ""},
		{"a pipe to a thread without a loop is not", "1<R 2>a 2<a 2p1 1>R", "completion", "completion a R"},
		{"the owner may go on with another call", "1<R 2>a 2<a 2w1/a0 1>b 1<b 1>R", "completion_inside thread", "completion_inside a R, thread b R"},
		{"outside an owned request that is a relay, and nothing", "1<R 2>a 2<a 2w3/a0 3>b 3<b 1>R", "completion_inside completion submit", ""},

		{"a reader of requests that woke the caller submitted the call", "1<R 1w2/b0 2>a 2<a 1>R", "submit", "submit a R"},
		{"the last wake counts", "1<R 3<S 1w2/b0 3w2/b8 2>a 2<a 1>R 3>S", "submit", "submit a S"},
		{"a waker that had read a reply is a relay", "1<R 3>b 3<b 3w2/b0 2>a 2<a 1>R", "submit", ""},
		{"a request that was answered before the wake is not meant", "1<R 2>R 1w3/b0 3>a 3<a", "submit", ""},
		{"one that was answered after it is", "1<R 1w2/b0 1>R 2>a 2<a", "submit", "submit a R"},
		{"a thread that reads requests itself takes none from others", "1<R 1w2/b0 2>a 2<S 2<a 2>S 1>R", "submit", ""},

		{"a thread created for the request calls for it", "1<R 1c2 2>a 2<a 1>R", "clone", "clone a R"},
		{"even after the reply", "1<R 1c2 1>R 2>a 2<a", "clone", "clone a R"},
		{"but only with its first message", "1<R 1c2 2>a 2<a 2>b 2<b 1>R", "clone", "clone a R"},
		{"not if it was created after the reply", "1<R 2>R 1c3 3>a 3<a", "clone", ""},
		{"a Go thread belongs to nobody", "1g7 1<R 1c2 2g8 2>a 2<a 1>R", "clone", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestIdentityRules(t *testing.T) {
	for _, tt := range []ruleCase{
		{"a goroutine that read the request calls for it", "1g7 1<R 1tick 2g7 2>a 2<a 3g7 3>R", "goroutine", "goroutine a R"},
		{"and one that writes the reply", "1g7 1<R 2g8 2>a 2<a 2g8 2>R", "goroutine", "goroutine a R"},
		{"only while the request is open", "1g7 1<R 1g7 1>R 1g7 1>a 1<a", "goroutine", ""},
		{"another goroutine's call is another's", "1g7 1<R 2g9 2>a 2<a 1g7 1>R", "goroutine", ""},
		{"each request of a connection has its own calls", "1g7 1<R 1>a 1<a 1>R 1<S 1>b 1<b 1>S", "goroutine", "goroutine a R, goroutine b S"},
		{"a goroutine that the request's created supports it", "1g7 1<R 2g9/7 2>a 2<a 1g7 1>R", "creator", "creator a R"},
		{"so does one that dialled", "1g7 1<R 2g9/7 2@a 3g11/9 3>a 3<a 1g7 1>R", "creator", "creator a R"},

		{"a context that is handed on unchanged names the request", "R=xy a=xy 1<R 2>a 2<a 3>R", "context", "context a R"},
		{"another parent in the same trace does not", "R=xy a=xz 1<R 2>a 2<a 3>R", "context", ""},
		{"nor the same context after the request", "R=xy a=xy 1<R 3>R 2>a 2<a", "context", ""},
		{"a call whose parent is the span of the request is its", "R=xy a=xzy 1<R 2>a 2<a 3>R", "context", "context a R"},
		{"so are both of two such calls", "R=xy a=xzy b=xvy 1<R 2>a 2<a 3>b 3<b 3>R", "context", "context a R, context b R"},
		{"a grandchild is not", "R=xy a=xwz 1<R 2>a 2<a 3>R", "context", ""},
		{"a parent of another trace is not", "R=xy a=vzy 1<R 2>a 2<a 3>R", "context", ""},
		{"a trace without a caller names nobody", "R=x0 a=x0 1<R 2>a 2<a 3>R", "context", ""},
		{"nor do two unknown parents", "R=x00 a=xy0 1<R 2>a 2<a 3>R", "context", ""},
		{"an alias counts", "R=xy,vw a=vw 1<R 2>a 2<a 3>R", "context", "context a R"},
		{"on the call, too", "R=vw a=xy,vw 1<R 2>a 2<a 3>R", "context", "context a R"},
		{"two contexts of one trace count once", "R=xy,xz a=xy 1<R 2>a 2<a 3>R", "context", "context a R"},
		{"a request id that is passed on names the request", "R#a1b2c3d4 a#a1b2c3d4 1<R 2>a 2<a 3>R", "request_id", "request_id a R"},
		{"of several open ones", "R#a1b2c3d4 S#b1b2c3d4 a#a1b2c3d4 1<R 1<S 2>a 2<a 3>R 3>S", "request_id", "request_id a R"},
		{"another one does not", "R#a1b2c3d4 a#b1b2c3d4 1<R 2>a 2<a 3>R", "request_id", ""},
		{"nor one that two requests have", "R#a1b2c3d4 S#a1b2c3d4 a#a1b2c3d4 1<R 1<S 2>a 2<a 3>R 3>S", "request_id", ""},
		{"even if only one of them was open", "R#a1b2c3d4 S#a1b2c3d4 a#a1b2c3d4 1<R 2>a 2<a 3>R zzz 1<S 3>S", "request_id", ""},
		{"nor a short one", "R#17 a#17 1<R 2>a 2<a 3>R", "request_id", ""},
		{"nor the same one after the request", "R#a1b2c3d4 a#a1b2c3d4 1<R 3>R 2>a 2<a", "request_id", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestTimeRules(t *testing.T) {
	for _, tt := range []ruleCase{
		{"the only request that is open is a candidate", "1<R 2>a 2<a 3>R", "only", "only a R"},
		{"not if another one is open for a moment", "1<R 2>a 4<S 4>S 2<a 3>R", "only", ""},
		{"not if the call outlives it", "1<R 2>a 3>R 2<a", "only", ""},
		{"not if its thread had just answered a request of its own", "2<S 2>S 1<R 2>a 2<a 3>R", "only", ""},
		{"but if it had answered one that another thread had read", "4<S 2>S 1<R 2>a 2<a 3>R", "only", "only a R"},
		{"the one request without a call takes the one call without a request", "1<R 2>a 2<a 3>R", "elimination", "elimination a R"},
		{"not if there are two such requests", "1<R 4<S 2>a 2<a 3>R 4>S", "elimination", ""},
		{"nor two such calls", "1<R 2>a 2<a 2>b 2<b 3>R", "elimination", ""},
		{"calls come in the order of the requests", "1<R 4<S 2>a 3>b 2<a 3<b 5>R 6>S", "order", "order a R, order b S"},
		{"a request read alone, just before, is a candidate", "4<S 4>S zzz 1<R 2>a 2<a 3>R", "isolated", "isolated a R"},
		{"not for a thread that was at something before", "2>b 2<b 4<S 4>S zzz 1<R 2>a 2<a 3>R", "isolated", ""},
		{"unless it has been woken since", "2>b 2<b 4<S 4>S zzz 1<R 1w2/a 2>a 2<a 3>R", "isolated", "isolated a R"},
		{"or serves the request", "2>b 2<b 4<S 4>S zzz 2<R 2>a 2<a 3>R", "isolated", "isolated a R"},
		{"not with another one just before it", "1<R 4<S 2>a 2<a 3>R 4>S", "isolated", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestClonedInsideAnOwnedRequestAfterACall(t *testing.T) {
	s := read(t, "1<R 1>a 1<a 1c2 2>b 2<b 1>R")
	p := window.New()
	var claims []string
	l := link.New(p, func(c *window.Node, claim window.Claim) {
		if claim.Kind == link.Clone {
			claims = append(claims, c.Ref.(string)+" "+claim.Parent.Ref.(string))
		}
	})
	nodes := s.deliver(l, p, false)
	byName := map[string]*window.Node{}
	for _, n := range nodes {
		byName[n.Ref.(string)] = n
	}
	l.Ripe(byName["b"], true)
	assert.Empty(t, claims, "it is not known yet whose thread it was")
	byName["a"].State, byName["a"].Parent, byName["a"].Kind = window.Linked, byName["R"], link.Thread
	l.Ripe(byName["b"], true)
	assert.Equal(t, []string{"b R"}, claims)
}
