package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: demo <command> [flags]

commands:
  run       start the demo system and the Collector, send requests, print traces
  gateway   serve HTTP on $PORT with a worker pool that calls $BACKEND_PORT
  price     serve prices on $PORT from the store on $STORE_PORT
  store     serve a key-value store (Redis protocol) on $PORT

Flags of run: demo run --help`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := dispatch(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "run":
		return runDemo(ctx, args[1:])
	case "gateway":
		return gateway(ctx)
	case "price":
		return price(ctx)
	case "store":
		return store(ctx)
	case "help", "-h", "--help":
		fmt.Println(usage)
		return nil
	default:
		return fmt.Errorf("no command %q\n%s", args[0], usage)
	}
}
