package selector

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"nginx", "nginx", true},
		{"nginx", "nginxx", false},
		{"nginx", "", false},
		{"", "", true},
		{"*", "", true},
		{"*", "python3.11", true},
		{"*", "a/b", false},
		{"**", "a/b", true},
		{"python3*", "python3.11", true},
		{"python3.?", "python3.9", true},
		{"python3.?", "python3.11", false},
		{"a?b", "a/b", false},
		{"/usr/*/nginx", "/usr/sbin/nginx", true},
		{"/usr/*/nginx", "/usr/local/sbin/nginx", false},
		{"/usr/**/nginx", "/usr/local/sbin/nginx", true},
		{"/usr/**/nginx", "/usr/nginx", false},
		{"/usr/**nginx", "/usr/nginx", true},
		{"**/bin/*", "/opt/shop/bin/shop", true},
		{"**/bin/*", "/opt/shop/bin/x/shop", false},
		{"/opt/*/bin/**", "/opt/shop/bin/x/y", true},
		{"*a*b*", "xaxbx", true},
		{"*a*b*", "xbxax", false},
		{"**/kubepods/**", "/kubepods/pod1/c", true},
		{"a.c", "abc", false},
		{"(a|b)", "a", false},
		{"[ab]", "[ab]", true},
	} {
		g, err := compileGlob(test.pattern, false)
		require.NoError(t, err)
		assert.Equal(t, test.want, g.match(test.text), "%q on %q", test.pattern, test.text)
	}
}

func TestFlatGlobDoesNotMindSlashes(t *testing.T) {
	g, err := compileGlob("*gunicorn*shop?app", true)
	require.NoError(t, err)
	assert.True(t, g.match("/usr/bin/python3 /usr/bin/gunicorn -w 4 shop/app"))
	assert.False(t, g.match("/usr/bin/python3 /usr/bin/gunicorn -w 4 shopapp"))
}

func TestGlobRefusesThreeStars(t *testing.T) {
	_, err := compileGlob("/a/***", false)
	assert.ErrorIs(t, err, errStars)
}

func TestFlatGlobTakesLinearTime(t *testing.T) {
	g, err := compileGlob(strings.Repeat("*a", 50)+"b", true)
	require.NoError(t, err)
	assert.False(t, g.match(strings.Repeat("a", 128<<10)), "exponential or cubic time would not end")
}

// asRegexp says in another way what a glob means.
func asRegexp(pattern string, flat bool) *regexp.Regexp {
	one, many := "[^/]", "(?s:.)*"
	if flat {
		one = "(?s:.)"
	}
	text := regexp.QuoteMeta(pattern)
	text = strings.ReplaceAll(text, `\*\*`, "\x00")
	text = strings.ReplaceAll(text, `\*`, one+"*")
	text = strings.ReplaceAll(text, `\?`, one)
	return regexp.MustCompile("^(?:" + strings.ReplaceAll(text, "\x00", many) + `)\z`)
}

func FuzzGlob(f *testing.F) {
	f.Add("/usr/**/n*x?", "/usr/local/sbin/nginx", false)
	f.Add("*a*/**b", "xa/y/b", false)
	f.Add("*a*b", "a/b", true)
	f.Fuzz(func(t *testing.T, pattern, text string, flat bool) {
		g, err := compileGlob(pattern, flat)
		// The regular expression has its own idea of what is not ASCII.
		if err != nil || len(pattern) > 64 || len(text) > 256 || !isASCII(pattern+text) {
			return
		}
		assert.Equal(t, asRegexp(pattern, flat).MatchString(text), g.match(text), "%q on %q", pattern, text)
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 || r == 0 }) < 0
}
