// Databases asks PostgreSQL through database/sql, counts in Redis through go-redis, and makes an HTTP call.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"

	_ "github.com/lib/pq"
	"github.com/redis/go-redis/v9"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario/programs/go/backend"
)

func main() {
	db, err := sql.Open("postgres", fmt.Sprintf("host=%s port=%s user=testbed dbname=postgres sslmode=disable",
		os.Getenv("POSTGRES_HOST"), os.Getenv("POSTGRES_PORT")))
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(backend.Pool())
	db.SetMaxIdleConns(backend.Pool())
	cache := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR"), PoolSize: backend.Pool()})
	client := backend.Client()
	backend.Serve(func(ctx context.Context, id string) error {
		var name string
		if err := db.QueryRowContext(ctx, "SELECT name FROM item WHERE id = 7 /* "+id+" */").Scan(&name); err != nil {
			return err
		}
		if err := cache.Incr(ctx, "hits:"+id).Err(); err != nil {
			return err
		}
		return backend.Call(ctx, client, "/b1", id)
	})
}
