package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// Class is the fact that a kind of evidence rests on. Two claims of one class are
// not independent and do not confirm each other.
type Class uint8

// Classes of evidence.
const (
	Identity   Class = iota // the program's or the caller's own name for the activity
	Owner                   // a thread served one request only
	Before                  // what a thread did before it wrote the call
	After                   // what a thread did after it read the reply
	Completion              // whom the thread that read the reply woke
	Creation                // who created the thread, goroutine or connection
	Submission              // who woke the thread that wrote the call
	Pattern                 // what such requests do, and in which order
	Time                    // what was open when
	Classes
)

// Kind describes one kind of evidence.
type Kind struct {
	// Name is what stitch.method says.
	Name  string
	Class Class
	Trust window.Trust
	// Precision is the share of right links among those it would have decided alone,
	// as measured (see the file of the kind), or an estimate where that says so.
	Precision float64
	// Detached evidence holds even if the request was answered before the call
	// began, as long as the handoff happened before the answer.
	Detached bool
}

// Kinds of evidence, strongest first.
const (
	Context window.Kind = iota
	Goroutine
	Thread
	ThreadGap
	ThreadRun
	Reply
	ReplyWaited
	Finish
	FinishInside
	FinishEarlier
	FinishHops
	FinishShared
	Clone
	TickOrder
	TickReply
	Tick
	Prompt
	Cadence
	CadenceReply
	LoopWake
	RequestID
	Posted
	Adjacent
	Burst
	Next
	Submit
	Creator
	RunQueue
	Rest
	Balance
	InTurn
	Only
	Elimination
	Order
	Isolated
	Kinds
)

var kinds = [Kinds]Kind{
	Context:       contextKind,
	Goroutine:     goroutineKind,
	Thread:        threadKind,
	ThreadGap:     threadGapKind,
	ThreadRun:     threadRunKind,
	Reply:         replyKind,
	ReplyWaited:   replyWaitedKind,
	Finish:        finishKind,
	FinishInside:  finishInsideKind,
	FinishEarlier: finishEarlierKind,
	FinishHops:    finishHopsKind,
	FinishShared:  finishSharedKind,
	Clone:         cloneKind,
	TickOrder:     tickOrderKind,
	TickReply:     tickReplyKind,
	Tick:          tickKind,
	Prompt:        promptKind,
	Cadence:       cadenceKind,
	CadenceReply:  cadenceReplyKind,
	LoopWake:      loopWakeKind,
	RequestID:     requestIDKind,
	Posted:        postedKind,
	Adjacent:      adjacentKind,
	Burst:         burstKind,
	Next:          nextKind,
	Submit:        submitKind,
	Creator:       creatorKind,
	RunQueue:      runQueueKind,
	Rest:          restKind,
	Balance:       balanceKind,
	InTurn:        inTurnKind,
	Only:          onlyKind,
	Elimination:   eliminationKind,
	Order:         orderKind,
	Isolated:      isolatedKind,
}

// Describe returns what k means. An unknown kind has no name and decides nothing.
func Describe(k window.Kind) Kind {
	if k < Kinds {
		return kinds[k]
	}
	return Kind{}
}

// measured is the precision of evidence that was right so often and wrong so
// often, with one more error than was seen: nothing is certain.
func measured(right, wrong float64) float64 { return right / (right + wrong + 1) }
