package selector

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Facts is what selection looks at. Those that Selector.Needs leaves out may be
// empty.
type Facts struct {
	PID         uint32
	Origin      uint32 // the process it was forked from without an exec since, or PID
	Executable  string
	Args        []string
	Cgroups     []string // the path in each hierarchy
	ContainerID string
	Ports       []uint16 // TCP ports that the process listens on
}

// Needs says which facts the rules look at beside pid and executable.
type Needs struct{ Args, Cgroups, Ports bool }

// Selector is made of compiled rules. It is immutable.
type Selector struct {
	include, exclude []rule
	needs            Needs
	ports            []portRange // of all rules
}

// rule is a compiled Rule: all of matchers must agree.
type rule struct {
	matchers []func(*Facts) bool
	pids     []uint32
}

// New compiles rules: a process is selected if one of include matches it and none
// of exclude. The error names each key that is wrong, as "include[0]::exe".
func New(include, exclude []Rule) (*Selector, error) {
	s := &Selector{}
	var errs []error
	compile := func(key string, rules []Rule) (compiled []rule) {
		for i := range rules {
			r, err := s.compile(fmt.Sprintf("%s[%d]", key, i), &rules[i])
			compiled, errs = append(compiled, r), append(errs, err)
		}
		return compiled
	}
	if len(include) == 0 {
		errs = append(errs, errors.New("include: must have at least one rule; [{all: true}] traces the whole machine"))
	}
	s.include, s.exclude = compile("include", include), compile("exclude", exclude)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Needs returns which facts the rules look at.
func (s *Selector) Needs() Needs { return s.needs }

// Match reports whether the process is to be traced.
func (s *Selector) Match(f *Facts) bool {
	return matchAny(s.include, f) && !matchAny(s.exclude, f)
}

// WantsPort reports whether any rule is about this port.
func (s *Selector) WantsPort(port uint16) bool { return inRanges(s.ports, port) }

// NamesPID reports whether an exclude rule names this very process: the only
// way in which a fork can differ from its parent.
func (s *Selector) NamesPID(pid uint32) bool {
	return slices.ContainsFunc(s.exclude, func(r rule) bool { return slices.Contains(r.pids, pid) })
}

func matchAny(rules []rule, f *Facts) bool {
	return slices.ContainsFunc(rules, func(r rule) bool { return r.match(f) })
}

func (r *rule) match(f *Facts) bool {
	for _, matches := range r.matchers {
		if !matches(f) {
			return false
		}
	}
	return true
}

func (s *Selector) compile(key string, r *Rule) (rule, error) {
	var errs []error
	var out rule
	add := func(field string, matcher func(*Facts) bool, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s::%s: %w", key, field, err))
		}
		out.matchers = append(out.matchers, matcher)
	}
	if r.Exe != "" {
		matcher, err := matchExe(r.Exe)
		add("exe", matcher, err)
	}
	if r.CommandLine != "" {
		matcher, err := matchCommandLine(r.CommandLine)
		add("command_line", matcher, err)
		s.needs.Args = true
	}
	if len(r.PIDs) > 0 {
		pids, err := parsePIDs(r.PIDs)
		add("pids", func(f *Facts) bool { return slices.Contains(pids, f.PID) || slices.Contains(pids, f.Origin) }, err)
		out.pids = pids
	}
	if len(r.Ports) > 0 {
		ranges, err := parseRanges(r.Ports)
		add("ports", func(f *Facts) bool {
			return slices.ContainsFunc(f.Ports, func(port uint16) bool { return inRanges(ranges, port) })
		}, err)
		s.ports, s.needs.Ports = append(s.ports, ranges...), true
	}
	if r.Cgroup != "" {
		matcher, err := matchCgroup(r.Cgroup)
		add("cgroup", matcher, err)
		s.needs.Cgroups = true
	}
	if r.ContainerID != "" {
		add("container_id", func(f *Facts) bool { return strings.HasPrefix(f.ContainerID, r.ContainerID) }, checkID(r.ContainerID))
		s.needs.Cgroups = true
	}
	errs = append(errs, checkAlone(key, r.All, len(out.matchers)))
	return out, errors.Join(errs...)
}

func checkAlone(key string, all bool, others int) error {
	switch {
	case all && others > 0:
		return fmt.Errorf("%s::all: matches every process and must stand alone: remove it or the other keys", key)
	case !all && others == 0:
		return fmt.Errorf("%s: is empty; set at least one of exe, command_line, pids, ports, cgroup, container_id, all", key)
	}
	return nil
}

func matchExe(pattern string) (func(*Facts) bool, error) {
	g, err := compileGlob(pattern, false)
	if strings.Contains(pattern, "/") {
		if err == nil && !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*") {
			err = fmt.Errorf(`a glob of a path must begin with "/" or "*", not %q`, pattern)
		}
		return func(f *Facts) bool { return g.match(f.Executable) }, err
	}
	return func(f *Facts) bool { return f.Executable != "" && g.match(path.Base(f.Executable)) }, err
}

func matchCommandLine(pattern string) (func(*Facts) bool, error) {
	g, err := compileGlob(pattern, true)
	return func(f *Facts) bool { return g.match(strings.Join(f.Args, " ")) }, err
}

func matchCgroup(pattern string) (func(*Facts) bool, error) {
	g, err := compileGlob(pattern, false)
	if err == nil && !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*") {
		err = fmt.Errorf(`must begin with "/" or "*", not %q`, pattern)
	}
	return func(f *Facts) bool { return slices.ContainsFunc(f.Cgroups, g.match) }, err
}

func parseRanges(values []any) ([]portRange, error) {
	ranges := make([]portRange, len(values))
	var errs []error
	for i, value := range values {
		var err error
		ranges[i], err = parsePorts(value)
		errs = append(errs, err)
	}
	return ranges, errors.Join(errs...)
}

func inRanges(ranges []portRange, port uint16) bool {
	return slices.ContainsFunc(ranges, func(r portRange) bool { return r.first <= port && port <= r.last })
}

func parsePIDs(values []int) ([]uint32, error) {
	pids := make([]uint32, len(values))
	for i, value := range values {
		if value < 1 || value > 1<<22 {
			return nil, fmt.Errorf("must be process ids from 1 to 4194304, not %d", value)
		}
		pids[i] = uint32(value)
	}
	return pids, nil
}

func checkID(prefix string) error {
	if len(prefix) < 8 || len(prefix) > 64 || strings.Trim(prefix, "0123456789abcdef-") != "" {
		return fmt.Errorf("must be 8 to 64 hexadecimal digits of a container id, not %q", prefix)
	}
	return nil
}
