package sqltext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

func TestSummary(t *testing.T) {
	tests := []struct{ name, in, want string }{
		// The examples of the semantic conventions.
		{"one table", `SELECT * FROM wuser_table WHERE username = ?`, `SELECT wuser_table`},
		{"two operations", `INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = ?`, `INSERT shipping_details SELECT orders`},
		{"two tables", `SELECT * FROM songs, artists WHERE songs.artist_id == artists.id`, `SELECT songs artists`},
		{"an anonymous table", `SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)`, `SELECT SELECT orders customers`},
		{"a quoted table", `SELECT * FROM "song list", b`, `SELECT "song list" b`},

		{"no table", `SELECT 1`, `SELECT`},
		{"case is kept", `select a from Orders`, `select Orders`},
		{"a qualified name is one target", `SELECT a FROM public."Orders" o`, `SELECT public."Orders"`},
		{"a keyword behind a dot is a name", `SELECT a.from, b.select FROM s.table`, `SELECT s.table`},
		{"a table may be called like a word of other clauses", `SELECT * FROM user`, `SELECT user`},
		{"joins of all kinds", `SELECT * FROM a LEFT OUTER JOIN b USING (id) CROSS JOIN c NATURAL JOIN d, e`, `SELECT a b c d e`},
		{"a join in parentheses", `SELECT * FROM (a JOIN b ON a.x = b.x), c`, `SELECT a b c`},
		{"a list goes on behind a condition", `SELECT * FROM a JOIN b ON f(a.x, b.x), c`, `SELECT a b c`},
		{"ONLY and LATERAL are no tables", `SELECT * FROM ONLY a, LATERAL (SELECT 1) x`, `SELECT a SELECT`},
		{"a function is no table", `SELECT * FROM generate_series(1, 10) g, a`, `SELECT a`},
		{"FROM inside a function is none", `SELECT EXTRACT(year FROM created), TRIM(BOTH FROM x) FROM a`, `SELECT a`},
		{"DISTINCT FROM is a comparison", `SELECT * FROM a WHERE b IS DISTINCT FROM c`, `SELECT a`},
		{"columns of a select list are no tables", `SELECT a, b FROM c ORDER BY d, e`, `SELECT c`},
		{"a subquery in a condition", `SELECT * FROM a WHERE b IN (SELECT c FROM d) AND e = 1`, `SELECT a SELECT d`},
		{"a union", `SELECT a FROM b UNION ALL SELECT c FROM d`, `SELECT b SELECT d`},
		{"rows locked for update", `SELECT * FROM a WHERE b = 1 FOR UPDATE OF a SKIP LOCKED`, `SELECT a`},
		{"values as a table", `SELECT * FROM (VALUES (1), (2)) v`, `SELECT`},
		{"TABLE alone", `TABLE a`, `TABLE a`},
		{"replication", `START_REPLICATION SLOT s LOGICAL 0/0`, `START_REPLICATION`},
		{"VALUES alone", `VALUES (1), (2)`, `VALUES`},
		{"a common table expression is no table", `WITH x AS (SELECT * FROM a), y (c) AS MATERIALIZED (SELECT * FROM x) SELECT * FROM y JOIN b ON true`, `SELECT a SELECT SELECT b`},
		{"a recursive one", `WITH RECURSIVE "T" AS (SELECT 1 UNION SELECT n FROM "T") SELECT * FROM "T"`, `SELECT SELECT SELECT`},
		{"one that writes", `WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x`, `DELETE a INSERT b SELECT`},

		{"an insert", `INSERT INTO a VALUES (1)`, `INSERT a`},
		{"an insert with an alias and a conflict", `INSERT INTO a AS x (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2 RETURNING c`, `INSERT a`},
		{"an update", `UPDATE a SET b = 1, c = 2 WHERE d = 3`, `UPDATE a`},
		{"an update from another table", `UPDATE ONLY a x SET b = c.b FROM c WHERE c.id = x.id`, `UPDATE a c`},
		{"a delete", `DELETE FROM a WHERE b = 1`, `DELETE a`},
		{"a delete using another table", `DELETE FROM a USING b, c WHERE a.x = b.x`, `DELETE a b c`},
		{"a merge", `MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN UPDATE SET y = 1`, `MERGE a b`},
		{"a copy", `COPY a (b, c) FROM STDIN`, `COPY a`},
		{"a copy of a query", `COPY (SELECT * FROM a) TO STDOUT`, `COPY SELECT a`},
		{"a truncation", `TRUNCATE TABLE a, b CASCADE`, `TRUNCATE a b`},
		{"a lock", `LOCK TABLE a IN SHARE MODE`, `LOCK a`},
		{"a vacuum", `VACUUM (FULL, ANALYZE) a`, `VACUUM a`},
		{"a call", `CALL refresh_totals(1, 2)`, `CALL refresh_totals`},

		{"a table is created", `CREATE TABLE IF NOT EXISTS a (b int, c text)`, `CREATE TABLE a`},
		{"a table is created from a query", `CREATE TEMP TABLE a AS SELECT * FROM b`, `CREATE TABLE a SELECT b`},
		{"a view is replaced", `CREATE OR REPLACE VIEW a AS SELECT * FROM b`, `CREATE VIEW a SELECT b`},
		{"an index is created", `CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)`, `CREATE INDEX i`},
		{"an index without a name is created", `CREATE INDEX ON a (b)`, `CREATE INDEX a`},
		{"a function is created", `CREATE FUNCTION f(a int) RETURNS int AS $$ SELECT a FROM b $$ LANGUAGE sql`, `CREATE FUNCTION f`},
		{"a policy for a query is created", `CREATE POLICY p ON a FOR SELECT USING (true)`, `CREATE POLICY p`},
		{"a table is altered", `ALTER TABLE a ADD b int, ADD c int`, `ALTER TABLE a`},
		{"tables are dropped", `DROP TABLE IF EXISTS a, b`, `DROP TABLE a b`},
		{"a user has no target", `CREATE USER bob PASSWORD 'x'`, `CREATE USER`},
		{"privileges are no operations", `GRANT SELECT, INSERT ON a TO bob`, `GRANT`},

		{"transactions", `START TRANSACTION ISOLATION LEVEL SERIALIZABLE`, `START TRANSACTION`},
		{"a savepoint's name is left out", `SAVEPOINT sp_123`, `SAVEPOINT`},
		{"a setting", `SET search_path TO a, b`, `SET`},
		{"an explanation", `EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM a`, `EXPLAIN SELECT a`},
		{"an explanation with words", `EXPLAIN ANALYZE VERBOSE UPDATE a SET b = 1`, `EXPLAIN UPDATE a`},
		{"a cursor", `DECLARE c CURSOR FOR SELECT * FROM a`, `DECLARE SELECT a`},
		{"a prepared statement", `PREPARE p (int) AS INSERT INTO a VALUES ($1)`, `PREPARE INSERT a`},
		{"an executed one", `EXECUTE p (1)`, `EXECUTE`},
		{"several statements", `BEGIN; INSERT INTO a VALUES (1); COMMIT;`, `BEGIN INSERT a COMMIT`},
		{"comments are no words", "/* select x from y */ SELECT a -- from b\n FROM c", `SELECT c`},
		{"strings are no words", `SELECT ' FROM b ' FROM c`, `SELECT c`},

		{"no statement", `foo bar from baz`, ``},
		{"nothing", ``, ``},
		{"more closing than opening parentheses", `)) SELECT a FROM b`, `SELECT b`},
		{"deep nesting is not followed", strings.Repeat("(", 100) + `SELECT a FROM b` + strings.Repeat(")", 100) + ` UNION SELECT c FROM d`, `SELECT d`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, sqltext.Describe([]byte(tt.in), nil).Summary)
		})
	}
}

func TestSummaryOfMySQL(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a quoted table", "SELECT * FROM `db`.`a b`", "SELECT `db`.`a b`"},
		{"a replacement", `REPLACE LOW_PRIORITY INTO a VALUES (1)`, `REPLACE a`},
		{"an insert without INTO", `INSERT IGNORE a SET b = 1`, `INSERT a`},
		{"an update on a duplicate key", `INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE b = 2`, `INSERT a`},
		{"an update of two tables", `UPDATE a JOIN b ON a.x = b.x SET a.y = 1`, `UPDATE a b`},
		{"a straight join", `SELECT * FROM a STRAIGHT_JOIN b`, `SELECT a b`},
		{"a change of database", "USE shop", "USE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sqltext.Describe([]byte(tt.in), &sqltext.Options{Dialect: sqltext.MySQL})
			assert.Equal(t, tt.want, got.Summary)
		})
	}
}

func TestSummaryIsBounded(t *testing.T) {
	var tables []string
	for range 100 {
		tables = append(tables, "table_with_a_name")
	}
	got := sqltext.Describe([]byte("SELECT * FROM "+strings.Join(tables, ", ")), nil)
	assert.LessOrEqual(t, len(got.Summary), 255)
	assert.Greater(t, len(got.Summary), 200)
	assert.True(t, strings.HasSuffix(got.Summary, " table_with_a_name"), "a name is not cut in two")
	assert.Empty(t, got.Operation, "what was cut is not plain")
}

func TestOperationAndCollection(t *testing.T) {
	type parts struct{ operation, collection, procedure string }
	tests := []struct {
		name, in string
		want     parts
	}{
		{"one operation on one table", `SELECT * FROM a`, parts{"SELECT", "a", ""}},
		{"one table named twice", `SELECT * FROM a x JOIN a y ON true`, parts{"SELECT", "a", ""}},
		{"one operation on two tables", `SELECT * FROM a, b`, parts{"SELECT", "", ""}},
		{"two operations", `INSERT INTO a SELECT * FROM a`, parts{}},
		{"no table", `SELECT now()`, parts{"SELECT", "", ""}},
		{"a table is created", `CREATE UNLOGGED TABLE a (b int)`, parts{"CREATE TABLE", "a", ""}},
		{"an index is no collection", `CREATE INDEX i ON a (b)`, parts{"CREATE INDEX", "", ""}},
		{"a procedure", `CALL p(1)`, parts{"CALL", "", "p"}},
		{"two statements", `SELECT 1; SELECT 2`, parts{}},
		{"a statement that ends in a semicolon", `DELETE FROM a;`, parts{"DELETE", "a", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sqltext.Describe([]byte(tt.in), nil)
			assert.Equal(t, tt.want, parts{got.Operation, got.Collection, got.Procedure})
		})
	}
	t.Run("of a truncated text the last name and the table are not certain", func(t *testing.T) {
		got := sqltext.Describe([]byte(`SELECT * FROM a, bc`), &sqltext.Options{Truncated: true})
		assert.Equal(t, "SELECT a", got.Summary)
		assert.Equal(t, parts{"SELECT", "", ""}, parts{got.Operation, got.Collection, got.Procedure})
	})
}
