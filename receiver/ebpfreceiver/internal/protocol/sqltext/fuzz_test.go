package sqltext

import (
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestKeywordsAreSorted(t *testing.T) {
	assert.True(t, slices.IsSorted(keywordNames[:]))
	longest := 0
	for i, name := range keywordNames {
		longest = max(longest, len(name))
		assert.Equal(t, keyword(i), lookup([]byte(name)), name)
	}
	assert.Equal(t, longestKeyword, longest)
	assert.Equal(t, kwSelect, lookup([]byte("sElEcT")))
	assert.Equal(t, noKeyword, lookup([]byte("selects")))
}

// FuzzNoLiteralSurvives reads the text that came out again: there must not be a
// literal left in it.
func FuzzNoLiteralSurvives(f *testing.F) {
	for _, seed := range []string{
		`SELECT 'a''b', E'\'', $$x$$, $a$y$a$, 1.5e-3, -1 FROM "t" WHERE b IN (1,-2, 'c') -- d`,
		"SELECT a /* b /* c */ d */ FROM `t` WHERE e = \"f\" # g",
		`WITH x AS (SELECT 1) INSERT INTO a.b (c) VALUES ($1, ?) ON CONFLICT DO NOTHING; CALL p()`,
		"E'a'\n'b' U&\"c\" 0xe+1 a$b .5 1.e+3x",
	} {
		f.Add([]byte(seed), true, false, uint16(1024))
		f.Add([]byte(seed), false, true, uint16(20))
	}
	f.Fuzz(func(t *testing.T, sql []byte, mysql, escapes bool, limit uint16) {
		o := Options{BackslashEscapes: escapes, MaxText: int(limit), Tags: []string{"traceparent"}}
		if mysql {
			o.Dialect = MySQL
		}
		before := slices.Clone(sql)
		st := Describe(sql, &o)
		assert.Equal(t, before, sql)
		assert.LessOrEqual(t, len(st.Text), int(limit))
		assert.LessOrEqual(t, len(st.Summary), maxSummary)
		assert.True(t, utf8.ValidString(st.Text))
		l := lexer{src: []byte(st.Text), dialect: o.Dialect, escapes: escapes || mysql}
		for tok := l.next(); tok.kind != end; tok = l.next() {
			assert.NotEqual(t, literal, tok.kind, "%q", st.Text)
			assert.NotEqual(t, number, tok.kind, "%q", st.Text)
		}
	})
}

func BenchmarkDescribe(b *testing.B) {
	for _, bench := range []struct{ name, sql string }{
		{"small", `SELECT id, name FROM users WHERE id = $1`},
		{"literals", `SELECT o.id, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = 'someone@example.com' AND o.state IN (1, 2, 3) ORDER BY o.created DESC LIMIT 20`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			sql := []byte(bench.sql)
			o := &Options{MaxText: 1024}
			b.SetBytes(int64(len(sql)))
			b.ReportAllocs()
			for b.Loop() {
				Describe(sql, o)
			}
		})
	}
}
