package policy

import (
	"math"
	"regexp"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// attribute asks whether a resource or span has the attribute key with a value
// that matches. Values of another type count as the zero value of the type
// asked for, except that a span's empty string never matches.
type attribute struct {
	key     string
	matches matcher
}

// matcher is a question about an attribute's value.
type matcher interface {
	value(v pcommon.Value, onSpan bool) bool
}

func (a *attribute) onResource(r pcommon.Resource) bool {
	v, ok := r.Attributes().Get(a.key)
	return ok && a.matches.value(v, false)
}

func (a *attribute) onSpan(v *view) (bool, error) {
	x, ok := v.span.Attributes().Get(a.key)
	return ok && a.matches.value(x, true), nil
}

func (a *attribute) fork() condition {
	if m, ok := a.matches.(*patterns); ok {
		return &attribute{key: a.key, matches: m.fork()}
	}
	return a
}

type isBool bool

func (b isBool) value(v pcommon.Value, _ bool) bool { return v.Bool() == bool(b) }

type inRange struct{ lo, hi int64 }

// newInRange makes a range; a bound of 0 is none.
func newInRange(lo, hi int64) inRange {
	if lo == 0 {
		lo = math.MinInt64
	}
	if hi == 0 {
		hi = math.MaxInt64
	}
	return inRange{lo, hi}
}

func (r inRange) value(v pcommon.Value, _ bool) bool { return v.Int() >= r.lo && v.Int() <= r.hi }

type oneOf map[string]struct{}

// newOneOf leaves out the empty string, which therefore never matches.
func newOneOf(values []string) oneOf {
	set := oneOf{}
	for _, v := range values {
		if v != "" {
			set[v] = struct{}{}
		}
	}
	return set
}

func (o oneOf) value(v pcommon.Value, _ bool) bool {
	_, ok := o[v.Str()]
	return ok
}

const defaultPatternCache = 128

// patterns matches regular expressions and remembers the answers.
type patterns struct {
	list  []*regexp.Regexp
	size  int
	known map[string]bool
}

func newPatterns(exprs []string, size int) (*patterns, error) {
	p := &patterns{size: size}
	if size <= 0 {
		p.size = defaultPatternCache
	}
	for _, e := range exprs {
		re, err := regexp.Compile(e)
		if err != nil {
			return nil, err
		}
		p.list = append(p.list, re)
	}
	return p, nil
}

func (p *patterns) fork() *patterns {
	return &patterns{list: p.list, size: p.size, known: map[string]bool{}}
}

func (p *patterns) value(v pcommon.Value, onSpan bool) bool {
	s := v.Str()
	if onSpan && s == "" {
		return false
	}
	if yes, ok := p.known[s]; ok {
		return yes
	}
	if len(p.known) >= p.size {
		clear(p.known) // a full cache of rarely repeated values is not worth an order
	}
	yes := p.match(s)
	p.known[s] = yes
	return yes
}

func (p *patterns) match(s string) bool {
	for _, re := range p.list {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}
