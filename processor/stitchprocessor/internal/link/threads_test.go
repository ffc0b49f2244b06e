package link_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// often repeats a script for 22 requests A to V with a call each, a to v: R and c in
// it stand for them.
func often(script string) string {
	var all []string
	for i := range 22 {
		all = append(all, strings.NewReplacer("R", string(rune('A'+i)), "c", string(rune('a'+i))).Replace(script))
	}
	return strings.Join(all, " ") + " "
}

func TestRunsOfCallsBeforeAReply(t *testing.T) {
	serves := often("1<R 1>c 1<c 1>R")
	for _, tt := range []ruleCase{
		{"a thread that serves requests may be handed one that another has read",
			serves + "9<Z 1>z 1<z 1>Z", "thread_run", "thread_run z Z"},
		{"a sleep before does not matter", serves + "9<Z 1wait 1>z 1<z 1>Z", "thread_run", "thread_run z Z"},
		{"a pool thread serves nothing itself", serves + "9<Z 2<Y 2>Y 3>z 3<z 3>Z", "thread_run", ""},
		{"it makes the calls that are known of such requests, no others",
			serves + "9<Z 1>y 1<y 1>z 1<z 1>Z", "thread_run", ""},
		{"a call from before the request is of another one", serves + "1>z 9<Z 1<z 1>Z", "thread_run", ""},
		{"a hole is not bridged", serves + "9<Z 1>z 1hole 1<z 1>Z", "thread_run", ""},
		{"where threads have had two requests open, nothing is known",
			serves + "1<X 1<Y 1>X 1>Y 9<Z 1>z 1<z 1>Z", "thread_run", ""},
		{"seen once is not known", strings.ReplaceAll(serves, "1>b 1<b", "") + "9<Z 1>z 1<z 1>y 1<y 1>Z", "thread_run", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, strings.Join(about(read(t, tt.script).links(false), tt.kinds), ", "))
		})
	}
}

func TestRepliesAfterASleep(t *testing.T) {
	replies := often("9<R 1>c 1<c 1>R")
	for _, tt := range []ruleCase{
		{"a pool that replies does so even if it had to wait for a lock",
			replies + "9<Z 1>z 1<z 2w1/a0 1>Z", "reply_waited", "reply_waited z Z"},
		{"unless that is how it is: it waits for its next task",
			often("9<R 1>c 1<c 9w1/a0 1>R"), "reply_waited", ""},
		{"or nothing is known", "9<Z 1>z 1<z 2w1/a0 1>Z", "reply_waited", ""},
		{"the thread that read the request waited for something else", replies + "1<Z 1>z 1<z 2w1/a0 1>Z", "reply_waited", ""},
		{"poll and sleep are no locks", replies + "9<Z 1>z 1<z 1sleep 1>Z", "reply_waited", ""},
		{"something between", replies + "9<Z 1>z 1<z 2w1/a0 1hole 1>Z", "reply_waited", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}
