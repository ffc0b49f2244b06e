package sqltext_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

// TestWhatToolsWrite holds statements in the form that frameworks and tools give
// them.
func TestWhatToolsWrite(t *testing.T) {
	tests := []struct{ name, in, summary, text string }{
		{
			"Django reads a page",
			`SELECT "shop_order"."id", "shop_order"."total", COUNT("shop_item"."id") AS "n" FROM "shop_order" LEFT OUTER JOIN "shop_item" ON ("shop_order"."id" = "shop_item"."order_id") WHERE ("shop_order"."state" IN ('new', 'paid') AND NOT ("shop_order"."total" < 10.50)) GROUP BY "shop_order"."id" ORDER BY "shop_order"."id" DESC LIMIT 25 OFFSET 50`,
			`SELECT "shop_order" "shop_item"`,
			`SELECT "shop_order"."id", "shop_order"."total", COUNT("shop_item"."id") AS "n" FROM "shop_order" LEFT OUTER JOIN "shop_item" ON ("shop_order"."id" = "shop_item"."order_id") WHERE ("shop_order"."state" IN (?) AND NOT ("shop_order"."total" < ?)) GROUP BY "shop_order"."id" ORDER BY "shop_order"."id" DESC LIMIT ? OFFSET ?`,
		},
		{
			"Django asks whether there is one",
			`SELECT 1 AS "a" FROM "auth_user" WHERE "auth_user"."email" = 'bob@example.com' LIMIT 1`,
			`SELECT "auth_user"`,
			`SELECT ? AS "a" FROM "auth_user" WHERE "auth_user"."email" = ? LIMIT ?`,
		},
		{
			"ActiveRecord says where it was called",
			`SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2 /*application='Shop',controller='users',action='show'*/`,
			`SELECT "users"`,
			`SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2`,
		},
		{
			"ActiveRecord looks up the columns",
			`SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid WHERE a.attrelid = '"users"'::regclass AND a.attnum > 0 AND NOT a.attisdropped`,
			`SELECT pg_attribute pg_attrdef`,
			`SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid WHERE a.attrelid = ?::regclass AND a.attnum > ? AND NOT a.attisdropped`,
		},
		{
			"Hibernate in small letters",
			`select o1_0.id,o1_0.total from orders o1_0 join customers c1_0 on c1_0.id=o1_0.customer_id where c1_0.email=$1 fetch first $2 rows only`,
			`select orders customers`,
			`select o1_0.id,o1_0.total from orders o1_0 join customers c1_0 on c1_0.id=o1_0.customer_id where c1_0.email=$1 fetch first $2 rows only`,
		},
		{
			"Hibernate takes a number of a sequence",
			`select nextval('orders_seq')`,
			`select`,
			`select nextval(?)`,
		},
		{
			"SQLAlchemy in many lines",
			"SELECT orders.id AS orders_id \nFROM orders, (SELECT items.order_id AS order_id \nFROM items \nWHERE items.price > %(price_1)s::FLOAT) AS anon_1 \nWHERE orders.id = anon_1.order_id",
			`SELECT orders SELECT items`,
			"SELECT orders.id AS orders_id FROM orders, (SELECT items.order_id AS order_id FROM items WHERE items.price > %(price_1)s::FLOAT) AS anon_1 WHERE orders.id = anon_1.order_id",
		},
		{
			"SQLAlchemy inserts many values",
			`INSERT INTO orders (name, total) SELECT p0::VARCHAR, p1::NUMERIC FROM (VALUES ('a', 1, 0), ('b', 2, 1)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter RETURNING orders.id`,
			`INSERT orders SELECT`,
			`INSERT INTO orders (name, total) SELECT p0::VARCHAR, p1::NUMERIC FROM (VALUES (?, ?, ?), (?, ?, ?)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter RETURNING orders.id`,
		},
		{
			"Prisma qualifies everything",
			`SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3`,
			`SELECT "public"."User"`,
			`SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND ?=?) LIMIT $2 OFFSET $3`,
		},
		{
			"Sequelize writes back what it wrote",
			`INSERT INTO "Users" ("id","name","createdAt") VALUES (DEFAULT,'bob','2024-01-01 00:00:00.000 +00:00') RETURNING "id","name";`,
			`INSERT "Users"`,
			`INSERT INTO "Users" ("id","name","createdAt") VALUES (DEFAULT,?,?) RETURNING "id","name";`,
		},
		{
			"an upsert of gorm",
			`INSERT INTO "users" ("name","age") VALUES ('jinzhu',18) ON CONFLICT ("id") DO UPDATE SET "name"="excluded"."name","age"="excluded"."age"`,
			`INSERT "users"`,
			`INSERT INTO "users" ("name","age") VALUES (?,?) ON CONFLICT ("id") DO UPDATE SET "name"="excluded"."name","age"="excluded"."age"`,
		},
		{
			"a queue takes a job",
			`WITH job AS (SELECT id FROM jobs WHERE state = 'ready' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) UPDATE jobs SET state = 'busy' FROM job WHERE jobs.id = job.id RETURNING jobs.*`,
			`SELECT jobs UPDATE jobs`,
			`WITH job AS (SELECT id FROM jobs WHERE state = ? ORDER BY id FOR UPDATE SKIP LOCKED LIMIT ?) UPDATE jobs SET state = ? FROM job WHERE jobs.id = job.id RETURNING jobs.*`,
		},
		{
			"psql lists tables",
			`SELECT n.nspname as "Schema", CASE c.relkind WHEN 'r' THEN 'table' END as "Type" FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','') AND n.nspname !~ '^pg_toast' ORDER BY 1,2;`,
			`SELECT pg_catalog.pg_class pg_catalog.pg_namespace`,
			`SELECT n.nspname as "Schema", CASE c.relkind WHEN ? THEN ? END as "Type" FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN (?) AND n.nspname !~ ? ORDER BY ?,?;`,
		},
		{
			"a search in JSON",
			`SELECT data->>'name' FROM docs WHERE data @> '{"a": 1}' AND data ? 'k' AND data #>> '{a,b}' = 'x' AND tags && ARRAY['a','b']`,
			`SELECT docs`,
			`SELECT data->>? FROM docs WHERE data @> ? AND data ? ? AND data #>> ? = ? AND tags && ARRAY[?,?]`,
		},
		{
			"a migration",
			"ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT orders_pkey PRIMARY KEY (id), ALTER COLUMN state SET DEFAULT 'new';",
			`ALTER TABLE public.orders`,
			`ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id), ALTER COLUMN state SET DEFAULT ?;`,
		},
		{
			"a trigger function",
			"CREATE OR REPLACE FUNCTION audit() RETURNS trigger AS $body$\nBEGIN INSERT INTO log VALUES ('s3cret'); RETURN NEW; END;\n$body$ LANGUAGE plpgsql",
			`CREATE FUNCTION audit`,
			`CREATE OR REPLACE FUNCTION audit() RETURNS trigger AS ? LANGUAGE plpgsql`,
		},
		{
			"a window",
			`SELECT name, rank() OVER (PARTITION BY dept ORDER BY salary DESC) FROM emp WHERE salary > ALL (SELECT avg(salary) FROM emp GROUP BY dept)`,
			`SELECT emp SELECT emp`,
			`SELECT name, rank() OVER (PARTITION BY dept ORDER BY salary DESC) FROM emp WHERE salary > ALL (SELECT avg(salary) FROM emp GROUP BY dept)`,
		},
		{
			"a check of a connection pool",
			`SELECT 1`,
			`SELECT`,
			`SELECT ?`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sqltext.Describe([]byte(tt.in), &sqltext.Options{MaxText: 2048})
			assert.Equal(t, tt.summary, got.Summary)
			assert.Equal(t, tt.text, got.Text)
		})
	}
}

func TestWhatMySQLToolsWrite(t *testing.T) {
	tests := []struct{ name, in, summary, text string }{
		{
			"WordPress reads its options",
			"SELECT option_name, option_value FROM wp_options WHERE autoload IN ( 'yes', 'on', 'auto-on', 'auto' )",
			`SELECT wp_options`,
			"SELECT option_name, option_value FROM wp_options WHERE autoload IN ( ? )",
		},
		{
			"Laravel quotes everything",
			"select * from `users` inner join `roles` on `users`.`role_id` = `roles`.`id` where `email` = \"bob@example.com\" limit 1",
			"select `users` `roles`",
			"select * from `users` inner join `roles` on `users`.`role_id` = `roles`.`id` where `email` = ? limit ?",
		},
		{
			"mysqldump prepares a table",
			"/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`",
			"DROP TABLE `a`",
			"; DROP TABLE IF EXISTS `a`",
		},
		{
			"Connector/J sets up a session",
			"/* mysql-connector-j-8.0.33 */SET character_set_results = NULL, autocommit=1, sql_mode='STRICT_TRANS_TABLES'",
			"SET",
			"SET character_set_results = NULL, autocommit=?, sql_mode=?",
		},
		{
			"a transaction with a level",
			"START TRANSACTION READ ONLY",
			"START TRANSACTION",
			"START TRANSACTION READ ONLY",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sqltext.Describe([]byte(tt.in), &sqltext.Options{Dialect: sqltext.MySQL, MaxText: 2048})
			assert.Equal(t, tt.summary, got.Summary)
			assert.Equal(t, tt.text, got.Text)
		})
	}
}
