package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// promptKind: the request was the last thing that an event loop read in a turn, and the call
// is among what it wrote then. So it is the request's, or a timer was due in the same turn.
// Timers also have turns of their own, in which nothing is read, and where all calls are
// theirs. Of as many of these as better evidence tells nothing of, it tells nothing of the
// timers' calls among the prompt ones; what is left over beyond that is of the request
// before. Measured: 5,857 right, 6 wrong.
var promptKind = Kind{Name: "prompt", Class: Before, Trust: window.Likely, Precision: measured(5857, 6)}

// busier is by how much less often better evidence tells of what timers call in a turn in which
// much is read besides. Measured: 0 to 4 of 100, with up to 64 requests in flight.
const busier = 0.05

// prompts counts the prompt calls of a process's event loops, the first ones after a request
// and those that followed apart, and the calls of their timers, by what better evidence says.
type prompts struct {
	of           [2]promptCalls
	told, untold int // timers'
}

type promptCalls struct{ confirmed, refuted, open int }

// calls returns those that c is one of, nil for others.
func (p *prompts) calls(c *window.Node) *promptCalls {
	if turn := c.Turn(); turn.Prompt != 0 && turn.Labels[0] != nil {
		return &p.of[turn.Prompt-1]
	}
	return nil
}

// linked takes a call that better evidence has linked, once it is known how it came about.
func (p *prompts) linked(c *window.Node) {
	if c.State != window.Linked || c.Kind == Prompt || c.Kind == Tick {
		return
	}
	turn, of := c.Turn(), p.calls(c)
	switch {
	case turn.Timed:
		p.told++
	case of == nil:
		return
	case c.Parent == turn.Labels[0]:
		of.confirmed++
	default:
		of.refuted++
	}
	p.decay()
}

// open takes a call that no other evidence speaks of.
func (p *prompts) open(c *window.Node) {
	if of := p.calls(c); of != nil {
		of.open++
	} else if c.Turn().Timed {
		p.untold++
	}
	p.decay()
}

func (p *prompts) decay() {
	all := [...]*int{
		&p.of[0].confirmed, &p.of[0].refuted, &p.of[0].open,
		&p.of[1].confirmed, &p.of[1].refuted, &p.of[1].open, &p.told, &p.untold,
	}
	n := 0
	for _, count := range all {
		n += *count
	}
	for _, count := range all {
		if n >= 4*memory {
			*count /= 2
		}
	}
}

// score is the share that is not of timers of those calls that are left over.
func (p *prompts) score(of *promptCalls) float64 {
	if p.told < enough {
		return 0
	}
	timers := float64(of.refuted) * (busier + float64(p.untold)/float64(p.told))
	return min(max(0, float64(of.open)-timers+1)/float64(of.open+2), promptKind.Precision)
}

// prompted claims a prompt call that nothing else speaks of for the request before.
func prompted(l *Linker, c *window.Node) {
	if hasCandidate(c) || l.loops.defers(&c.Request) {
		return
	}
	l.prompts.open(c)
	if of := l.prompts.calls(c); of != nil {
		l.claim(c, window.Claim{Parent: c.Turn().Labels[0], Kind: Prompt, Score: l.prompts.score(of), Trust: promptKind.Trust})
	}
}
