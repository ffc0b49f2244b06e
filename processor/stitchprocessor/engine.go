package stitchprocessor

import "go.opentelemetry.io/collector/pdata/ptrace"

// engine is the owners of all state, one shard and the assembly, taking turns in one
// goroutine. It does what the processor does and reads no clock: times are ns, of any
// origin, and must not go back.
type engine struct {
	shard    *shard
	assembly *assembly
	known    *registry
	picker   *picker
	times    *timekeeper // nil if nothing is linked by times
	spare    []message
}

// newEngine returns an engine that hands released traces to emit.
func newEngine(c *Config, emit func(ptrace.Traces)) *engine {
	known := newRegistry(c)
	e := &engine{shard: newShard(c, 1, known), assembly: newAssembly(c, emit), known: known}
	if c.timed() {
		e.picker = newPicker(c)
		e.times = newTimekeeper(c, emit)
	}
	return e
}

// consume takes the spans with evidence, and those to be linked by times, out of td, at time now. The others stay in it.
func (e *engine) consume(td ptrace.Traces, now int64) {
	jobs, _ := split(td, now)
	e.assembly.consume(takeApplications(td, e.known, now), now)
	for i := range jobs {
		e.shard.consume(&jobs[i])
	}
	e.tell(now)
	if e.times != nil {
		timed := e.picker.pick(td, now)
		for i := range timed {
			e.times.consume(&timed[i])
		}
	}
	e.tick(now)
}

// tell lets the assembly carry out what the shard has decided.
func (e *engine) tell(now int64) {
	m := e.shard.take(e.spare)
	e.assembly.consume(m, now)
	e.spare = wipe(m)
}

// tick lets time pass. The processor does it every tickInterval.
func (e *engine) tick(now int64) {
	e.shard.tick(now)
	e.shard.forgetIdle(now)
	e.tell(now)
	e.assembly.Tick(now)
	if e.times != nil {
		e.times.tick(now)
	}
}

// held is how many spans wait.
func (e *engine) held() int {
	if e.times == nil {
		return e.assembly.Held()
	}
	return e.assembly.Held() + e.times.waiting
}

// flush decides and releases everything.
func (e *engine) flush(now int64) {
	e.shard.flush()
	e.tell(now)
	e.assembly.Flush()
	if e.times != nil {
		e.times.flush()
	}
}
