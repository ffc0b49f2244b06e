package sqltext

import (
	"bytes"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds of what a summary looks at.
const (
	maxSummary = 255 // by the semantic conventions
	maxDepth   = 32  // parentheses; what is nested deeper is not looked at
	maxNames   = 16  // common table expressions
)

// expectation is what the next name is.
type expectation uint8

const (
	nothing    expectation = iota
	objectKind             // TABLE, VIEW ... behind CREATE, ALTER, DROP
	target                 // a table or another thing that an operation works on
	source                 // an item of a list of tables: if a parenthesis follows, a function
)

// frame is what is known between two parentheses.
type frame struct {
	op    keyword // the operation whose clauses are being read
	want  expectation
	start bool // an operation may begin here
	with  bool // behind WITH: names of common table expressions
	list  bool // a comma leads to another target
	from  bool // the FROM or USING of op was seen
}

// summary finds the operations and their targets. It takes every token in turn.
type summary struct {
	src       []byte
	truncated bool

	frames [maxDepth]frame
	depth  int
	prev   keyword

	name     []byte // name being read, a part of src
	nameEnd  int    // its end in src
	dotted   bool   // it ends in a dot
	function bool   // it is none of ours if a parenthesis follows

	withNames [maxNames][]byte
	withs     int

	out         [maxSummary]byte
	length      int
	full        bool
	ops, opEnd  int // how many operations; where the first ends in out
	first       []byte
	mixed       bool // targets differ
	tables, all int  // targets that are tables; all targets
}

func (s *summary) add(t token, kw keyword) {
	if s.extend(t) {
		return
	}
	s.settle(t)
	if t.kind == punct && s.parenthesis(s.src[t.start]) {
		return
	}
	if s.depth >= maxDepth {
		return
	}
	f := &s.frames[s.depth]
	switch t.kind {
	case word:
		s.word(f, t, kw)
		s.prev = kw
	case quoted:
		s.identifier(f, t)
	case punct:
		s.punct(f, s.src[t.start])
	case literal, number:
		f.start, f.want = false, nothing
	}
}

// extend takes a token that belongs to the qualified name under way.
func (s *summary) extend(t token) bool {
	if s.name == nil || t.spaced || t.start != s.nameEnd {
		return false
	}
	switch {
	case s.dotted && (t.kind == word || t.kind == quoted):
		s.dotted = false
	case !s.dotted && t.kind == punct && s.src[t.start] == '.':
		s.dotted = true
	default:
		return false
	}
	s.name, s.nameEnd = s.name[:len(s.name)+t.end-t.start], t.end
	return true
}

// settle ends the name under way, if any, at a token that does not belong to it.
func (s *summary) settle(t token) {
	name := s.name
	s.name = nil
	isCall := t.kind == punct && s.src[t.start] == '('
	if name == nil || s.function && isCall || t.kind == end && s.truncated {
		return
	}
	for _, with := range s.withNames[:s.withs] {
		if bytes.EqualFold(with, name) {
			return
		}
	}
	s.addTarget(name)
}

// parenthesis enters and leaves frames.
func (s *summary) parenthesis(c byte) bool {
	switch {
	case c == '(':
		inner := frame{start: true}
		if s.depth < maxDepth {
			f := &s.frames[s.depth]
			if f.want == source {
				inner.op, inner.want, inner.list, inner.from = f.op, source, true, true
			}
			if f.op != kwVacuum && f.op != kwAnalyze {
				f.want = nothing
			}
		}
		s.depth++
		if s.depth < maxDepth {
			s.frames[s.depth] = inner
		}
	case c == ')' && s.depth > 0:
		s.depth--
		if s.depth < maxDepth && s.frames[s.depth].with {
			s.frames[s.depth].start = true
		}
	default:
		return false
	}
	s.prev = noKeyword
	return true
}

func (s *summary) punct(f *frame, c byte) {
	switch {
	case c == ',' && f.list:
		f.want = source
	case c == ';' && s.depth == 0:
		*f = frame{start: true}
	}
}

// word takes a word that is not a part of a qualified name.
func (s *summary) word(f *frame, t token, kw keyword) {
	if f.start && s.begin(f, t, kw) {
		return
	}
	switch kw {
	case kwSelect:
		if s.isSelect(f) {
			s.operation(f, t, kw)
		}
	case kwFrom:
		s.fromList(f, s.prev != kwDistinct && (f.op == kwSelect || f.op == kwDelete || f.op == kwUpdate))
	case kwUsing:
		s.fromList(f, f.op == kwMerge || f.op == kwDelete && s.all > 0)
	case kwJoin, kwStraightJoin:
		if f.list {
			f.want = source
		}
	case kwWhere, kwSet, kwValues, kwGroup, kwOrder, kwHaving, kwLimit, kwReturning, kwUnion, kwIntersect, kwExcept:
		f.list, f.want = false, nothing
	case kwAs:
		f.start = f.op == kwCreate || f.op == kwPrepare
		f.want = nothing
	case kwTransaction:
		if f.op == kwStart {
			s.extendOperation(t)
		}
	default:
		s.other(f, t, kw)
	}
}

// isSelect tells a query from the name of a privilege or of an event.
func (s *summary) isSelect(f *frame) bool {
	switch f.op {
	case kwGrant, kwRevoke, kwAlter:
		return false
	case kwCreate:
		return s.prev != kwFor && s.prev != kwOn
	default:
		return true
	}
}

// fromList opens a list of tables, once for each operation.
func (s *summary) fromList(f *frame, belongs bool) {
	if !belongs || f.from && f.op != kwDelete {
		return
	}
	f.from, f.list, f.want = true, true, source
}

// other takes a word that opens no clause.
func (s *summary) other(f *frame, t token, kw keyword) {
	switch f.want {
	case objectKind:
		s.objectKind(f, t, kw)
	case target, source:
		if !isFiller(kw) {
			s.identifier(f, t)
		}
	}
}

// identifier begins a name, when one is wanted.
func (s *summary) identifier(f *frame, t token) {
	f.start = f.start && f.with
	if f.with && f.start {
		s.addWith(s.src[t.start:t.end])
		return
	}
	if f.want != target && f.want != source {
		return
	}
	s.name, s.nameEnd = s.src[t.start:t.end], t.end
	s.dotted, s.function = false, f.want == source
	f.want = nothing
}

// begin takes a word where an operation may begin; it reports whether the word
// has done its part.
func (s *summary) begin(f *frame, t token, kw keyword) bool {
	switch {
	case kw == kwWith:
		f.with = true
	case isQuery(kw), s.depth == 0 && f.op == noKeyword && !f.with && isCommand(kw):
		s.operation(f, t, kw)
	case f.with:
		if kw != kwRecursive && kw != kwAs && kw != kwNot && kw != kwMaterialized {
			s.addWith(s.src[t.start:t.end])
		}
	case f.op == kwExplain:
	default:
		f.start = false
		return false
	}
	return true
}

func (s *summary) addWith(name []byte) {
	if s.withs < maxNames {
		s.withNames[s.withs] = name
		s.withs++
	}
}

// operation begins a new operation in frame f.
func (s *summary) operation(f *frame, t token, kw keyword) {
	*f = frame{op: kw, start: kw == kwExplain}
	switch kw {
	case kwInsert, kwReplace, kwMerge, kwVacuum, kwAnalyze, kwCopy, kwCall, kwTable:
		f.want = target
	case kwUpdate, kwTruncate, kwLock:
		f.want, f.list = target, true
	case kwCreate, kwAlter, kwDrop:
		f.want = objectKind
	}
	s.put(s.src[t.start:t.end])
	s.ops++
	if s.ops == 1 {
		s.opEnd = s.length
	}
}

// objectKind takes the words between CREATE, ALTER or DROP and the name.
func (s *summary) objectKind(f *frame, t token, kw keyword) {
	switch kw {
	case kwOr, kwReplace, kwTemp, kwTemporary, kwUnlogged, kwUnique, kwGlobal, kwLocal, kwForeign,
		kwMaterialized, kwRecursive, kwIgnore:
		return
	case kwTable, kwView, kwIndex, kwSequence, kwSchema, kwDatabase, kwFunction, kwProcedure, kwTrigger,
		kwType, kwExtension, kwDomain, kwAggregate, kwRule, kwPolicy, kwPublication, kwSubscription:
		s.extendOperation(t)
		f.want, f.list = target, f.op == kwDrop
		if kw != kwTable {
			s.tables = -maxSummary // these are no collections
		}
	case kwUser, kwRole:
		s.extendOperation(t)
		f.want = nothing
	default:
		f.want = nothing
	}
}

// extendOperation appends a second word to the operation just added.
func (s *summary) extendOperation(t token) {
	s.put(s.src[t.start:t.end])
	if s.ops == 1 {
		s.opEnd = s.length
	}
}

func (s *summary) addTarget(name []byte) {
	s.put(name)
	s.all++
	s.tables++
	if s.first == nil {
		s.first = name
	}
	s.mixed = s.mixed || !bytes.Equal(name, s.first)
}

// put appends a whole operation or target, or ends the summary.
func (s *summary) put(text []byte) {
	space := min(s.length, 1)
	if s.full || s.length+space+len(text) > maxSummary {
		s.full = true
		return
	}
	if space > 0 {
		s.out[s.length] = ' '
	}
	s.length += space + copy(s.out[s.length+space:], text)
}

// describe fills in what the summary found. The parts are parts of the summary.
func (s *summary) describe(st *Statement) {
	st.Summary = protocol.Text(s.out[:s.length], maxSummary)
	if s.ops != 1 || s.full || len(st.Summary) != s.length {
		return
	}
	st.Operation = st.Summary[:s.opEnd]
	if s.all == 0 || s.mixed || s.truncated {
		return
	}
	switch first := st.Summary[s.opEnd+1:][:len(s.first)]; {
	case s.frames[0].op == kwCall:
		st.Procedure = first
	case s.tables > 0:
		st.Collection = first
	}
}
