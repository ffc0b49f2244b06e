package sqltext_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

type textCase struct{ name, in, want string }

func runText(t *testing.T, o sqltext.Options, tests []textCase) {
	t.Helper()
	o.MaxText = 1024
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, sqltext.Describe([]byte(tt.in), &o).Text)
		})
	}
}

func TestPostgreSQLText(t *testing.T) {
	runText(t, sqltext.Options{}, []textCase{
		{"a string is replaced", `SELECT * FROM a WHERE b = 'secret'`, `SELECT * FROM a WHERE b = ?`},
		{"a doubled quote stays inside the string", `SELECT 'it''s secret', b`, `SELECT ?, b`},
		{"a backslash is no escape in a plain string", `SELECT 'a\', b`, `SELECT ?, b`},
		{"a backslash is an escape in an E string", `SELECT E'a\'secret', b`, `SELECT ?, b`},
		{"the prefix of a string may be small", `SELECT e'a\'secret', x'1F', B'01', n'a', u&'\0061' FROM t`, `SELECT ?, ?, ?, ?, ? FROM t`},
		{"a string goes on after a line break", "SELECT 'a'\n  'secret', b", `SELECT ?, b`},
		{"an E string goes on with escapes", "SELECT E'a' -- x\n 'b\\'secret', c", `SELECT ?, c`},
		{"two strings on one line are two", `SELECT 'a' 'b'`, `SELECT ? ?`},
		{"a string may follow a word without a space", `SELECT date'2020-01-01'`, `SELECT date?`},
		{"a typed literal keeps its type", `SELECT DATE '2020-01-01', interval '1 day'`, `SELECT DATE ?, interval ?`},
		{"a quoted identifier is kept", `SELECT "a ""b"" 'c'" FROM "T"`, `SELECT "a ""b"" 'c'" FROM "T"`},
		{"a Unicode identifier is kept", `SELECT U&"d\0061t" FROM t`, `SELECT U&"d\0061t" FROM t`},
		{"dollar quotes are a string", `SELECT $$se'cret$$, $a$ x $$ y $a$, b`, `SELECT ?, ?, b`},
		{"the tag of a dollar quote must match", `SELECT $a$ secret $b$ more $a$ FROM t`, `SELECT ? FROM t`},
		{"a placeholder is kept", `SELECT $1, $12::int WHERE a=$3`, `SELECT $1, $12::int WHERE a=$3`},
		{"a dollar sign inside a word is part of it", `SELECT a$b$c FROM t$1`, `SELECT a$b$c FROM t$1`},
		{"a lone dollar sign is kept", `SELECT $ , 1`, `SELECT $ , ?`},
		{"numbers are replaced", `SELECT 1, 2.5, .5, 1e10, 1.5E-3, 0x1F, 0b01, 1_000`, `SELECT ?, ?, ?, ?, ?, ?, ?, ?`},
		{"a hexadecimal e takes no exponent", `SELECT 0xe+1`, `SELECT ?+?`},
		{"digits in names are kept", `SELECT t1.c2 FROM t1`, `SELECT t1.c2 FROM t1`},
		{"a sign goes with the number behind an operator", `SELECT a FROM t WHERE b = -1 AND c > - 5 AND d IN (-1, -2)`, `SELECT a FROM t WHERE b = ? AND c > ? AND d IN (?)`},
		{"a minus behind an operand is an operator", `SELECT a-1, (b)-1, $1-1`, `SELECT a-?, (b)-?, $1-?`},
		{"operators that contain a minus are kept", `SELECT a->'k', b->>'k', c <-> d, e @> f, g #>> h`, `SELECT a->?, b->>?, c <-> d, e @> f, g #>> h`},
		{"a cast is kept", `SELECT '1'::numeric(10,2)::text`, `SELECT ?::numeric(?,?)::text`},
		{"truth values are replaced", `SELECT * FROM t WHERE a = TRUE AND b = false`, `SELECT * FROM t WHERE a = ? AND b = ?`},
		{"a test for truth is kept", `SELECT * FROM t WHERE a IS TRUE AND b IS NOT FALSE AND c IS NULL`, `SELECT * FROM t WHERE a IS TRUE AND b IS NOT FALSE AND c IS NULL`},
		{"a line comment is removed", "SELECT a -- secret\nFROM t", `SELECT a FROM t`},
		{"a block comment is removed", `SELECT/* secret */a FROM t /* more`, `SELECT a FROM t`},
		{"block comments nest", `SELECT a /* x /* secret */ y */ FROM t`, `SELECT a FROM t`},
		{"a leading comment leaves no space", "/* app */ -- x\n SELECT a", `SELECT a`},
		{"white space becomes single", "SELECT\n\t a ,\r\n b", `SELECT a , b`},
		{"a list behind IN becomes one", `SELECT a FROM t WHERE b IN (1, 'x',3) AND c in ('a')`, `SELECT a FROM t WHERE b IN (?) AND c in (?)`},
		{"a list with something else in it is kept", `SELECT a FROM t WHERE b IN (1, c, 2, -d)`, `SELECT a FROM t WHERE b IN (?, c, ?, -d)`},
		{"a minus in a list of literals is kept", `SELECT a FROM t WHERE b IN (1, -c)`, `SELECT a FROM t WHERE b IN (?, -c)`},
		{"placeholders in a list are kept", `SELECT a FROM t WHERE b IN ($1, $2)`, `SELECT a FROM t WHERE b IN ($1, $2)`},
		{"rows of values are kept apart", `INSERT INTO t VALUES (1, 'a'), (2, 'b')`, `INSERT INTO t VALUES (?, ?), (?, ?)`},
		{"an unfinished string is replaced", `SELECT a FROM t WHERE b = 'secr`, `SELECT a FROM t WHERE b = ?`},
		{"an unfinished dollar quote is replaced", `DO $body$ BEGIN secret`, `DO ?`},
		{"an unfinished comment is removed", `SELECT a /* secr`, `SELECT a`},
		{"several statements are one text", `BEGIN; UPDATE t SET a = 1 WHERE b = 'x'; COMMIT`, `BEGIN; UPDATE t SET a = ? WHERE b = ?; COMMIT`},
		{"a password is replaced", `ALTER USER bob PASSWORD 'hunter2'`, `ALTER USER bob PASSWORD ?`},
		{"letters of other alphabets are words", `SELECT größe FROM naïve WHERE x = 'ü'`, `SELECT größe FROM naïve WHERE x = ?`},
		{"bytes that are no text are replaced", "SELECT a\xff FROM t", "SELECT a\uFFFD FROM t"},
		{"an empty statement is empty", " -- ping", ""},
		{"letters glued to a number go with it", `SELECT 1secret FROM t`, `SELECT ? FROM t`},
	})
}

func TestPostgreSQLTextWithBackslashEscapes(t *testing.T) {
	runText(t, sqltext.Options{BackslashEscapes: true}, []textCase{
		{"a backslash is an escape in every string", `SELECT 'a\'secret', b`, `SELECT ?, b`},
		{"two backslashes are one", `SELECT 'a\\', b`, `SELECT ?, b`},
		{"a backslash at the end is no accident", `SELECT 'a\`, `SELECT ?`},
	})
}

func TestMySQLText(t *testing.T) {
	runText(t, sqltext.Options{Dialect: sqltext.MySQL}, []textCase{
		{"a backslash is an escape", `SELECT 'a\'secret', b`, `SELECT ?, b`},
		{"double quotes are a string", `SELECT "secret ""x"" \" y" FROM t`, `SELECT ? FROM t`},
		{"backticks are an identifier", "SELECT `a``b` FROM `t`", "SELECT `a``b` FROM `t`"},
		{"a hash begins a comment", "SELECT a # secret\nFROM t", `SELECT a FROM t`},
		{"two dashes begin a comment before white space only", "SELECT 5--3, a -- secret\n, b --", `SELECT ?-?, a , b`},
		{"a versioned comment is removed", `SELECT /*!40001 SQL_NO_CACHE */ a`, `SELECT a`},
		{"comments do not nest", `SELECT /* a /* b */ c`, `SELECT c`},
		{"a placeholder is kept", `SELECT a FROM t WHERE b = ?`, `SELECT a FROM t WHERE b = ?`},
		{"prefixed strings are replaced", `SELECT x'1F', N'a', b'01', _utf8'secret', 0x1F`, `SELECT ?, ?, ?, _utf8?, ?`},
		{"an account is replaced", `CREATE USER 'bob'@'%' IDENTIFIED BY 'pw'`, `CREATE USER ?@? IDENTIFIED BY ?`},
		{"dollar signs do not quote", `SELECT $$ FROM t`, `SELECT $$ FROM t`},
		{"a variable is kept", `SELECT @a := 1`, `SELECT @a := ?`},
	})
}

func TestTextIsBounded(t *testing.T) {
	long := `INSERT INTO t VALUES ('é', 'b', c)`
	text := func(limit int) string {
		return sqltext.Describe([]byte(long), &sqltext.Options{MaxText: limit}).Text
	}
	assert.Equal(t, `INSERT INTO`, text(11))
	assert.Empty(t, text(0))
	assert.Equal(t, "naï", sqltext.Describe([]byte("naïve"), &sqltext.Options{MaxText: 4}).Text)
	assert.Equal(t, "na", sqltext.Describe([]byte("naïve"), &sqltext.Options{MaxText: 3}).Text)
}

func TestRawTextKeepsEverything(t *testing.T) {
	const in = "SELECT  'a' -- b"
	st := sqltext.Describe([]byte(in), &sqltext.Options{Raw: true, MaxText: 100})
	assert.Equal(t, in, st.Text)
	assert.Equal(t, "SELECT", st.Summary)
}

func TestTags(t *testing.T) {
	const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	wanted := []string{"traceparent", "tracestate"}
	tests := []struct {
		name, in string
		want     []sqltext.Tag
	}{
		{
			"a sqlcommenter comment is read",
			`SELECT 1 /*action='x',traceparent='` + traceparent + `',tracestate='congo%3Dt61rcWkgMzE%2Crojo%3D00f0'*/`,
			[]sqltext.Tag{{Key: "traceparent", Value: traceparent}, {Key: "tracestate", Value: "congo=t61rcWkgMzE,rojo=00f0"}},
		},
		{"a line comment may hold it", "SELECT 1 -- traceparent='" + traceparent + "'", []sqltext.Tag{{Key: "traceparent", Value: traceparent}}},
		{"what looks like it in a string is not it", `SELECT '/*traceparent=''x''*/'`, nil},
		{"other comments are passed over", `SELECT 1 /* hello, 'world' */`, nil},
		{"a value without its closing quote is passed over", `SELECT 1 /*traceparent='00*/`, nil},
		{"a bad escape is passed over", `SELECT 1 /*traceparent='%zz'*/`, nil},
		{"an unfinished comment is passed over", `SELECT 1 /*traceparent='00'`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, sqltext.Describe([]byte(tt.in), &sqltext.Options{Tags: wanted}).Tags)
		})
	}
	t.Run("their number is bounded", func(t *testing.T) {
		var many []byte
		for range 100 {
			many = append(many, "/*traceparent='a'*/"...)
		}
		assert.Len(t, sqltext.Describe(many, &sqltext.Options{Tags: wanted}).Tags, 8)
	})
}
