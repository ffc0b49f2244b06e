package selector

import (
	"errors"
	"strings"
)

// errStars says that a glob cannot be compiled.
var errStars = errors.New(`"***" is not allowed: use "*" for a run of characters and "**" for one that may hold slashes`)

// glob is a compiled pattern. "*" stands for any run of characters but slashes,
// "**" for any run, "?" for one character that is not a slash; everything else
// stands for itself.
type glob struct {
	pattern string
	// flat treats slashes as any other character: for text that is no path.
	flat bool
}

func compileGlob(pattern string, flat bool) (glob, error) {
	if strings.Contains(pattern, "***") {
		return glob{}, errStars
	}
	return glob{pattern: pattern, flat: flat}, nil
}

// match remembers one place to go back to for each kind of star. A later star
// replaces an earlier one of its kind, which by then has done all it can: "*"
// must end before the next slash anyway, "**" can take whatever comes.
func (g glob) match(text string) bool {
	p, t := 0, 0
	one, many := mark{p: -1}, mark{p: -1}
	for {
		if p < len(g.pattern) {
			switch {
			case strings.HasPrefix(g.pattern[p:], "**"), g.flat && g.pattern[p] == '*':
				p += min(len(stars(g.pattern[p:])), 2)
				many, one = mark{p, t}, mark{p: -1}
				continue
			case g.pattern[p] == '*':
				p++
				one = mark{p, t}
				continue
			case t < len(text) && g.one(g.pattern[p], text[t]):
				p++
				t++
				continue
			}
		} else if t == len(text) {
			return true
		}
		switch {
		case one.p >= 0 && one.t < len(text) && text[one.t] != '/':
			one.t++
			p, t = one.p, one.t
		case many.p >= 0 && many.t < len(text):
			many.t++
			p, t, one = many.p, many.t, mark{p: -1}
		default:
			return false
		}
	}
}

// stars returns the stars that s begins with.
func stars(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "*"))] }

// mark is where to resume in pattern and text when the rest did not match.
type mark struct{ p, t int }

func (g glob) one(pattern, char byte) bool {
	return pattern == char || pattern == '?' && (g.flat || char != '/')
}
