package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// price is the service for machines without Python: it does in Go what
// service.py does.
func price(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /price/{item}", func(w http.ResponseWriter, r *http.Request) {
		store, err := net.Dial("tcp", "127.0.0.1:"+os.Getenv("STORE_PORT"))
		if err != nil {
			http.Error(w, "the store does not answer", http.StatusBadGateway)
			return
		}
		defer store.Close()
		in := bufio.NewReader(store)
		var value string
		for _, words := range [][]string{{"INCR", "views:" + r.PathValue("item")}, {"GET", "price:" + r.PathValue("item")}} {
			if value, err = command(store, in, words); err != nil {
				http.Error(w, "the store does not answer", http.StatusBadGateway)
				return
			}
		}
		fmt.Fprint(w, value)
	})
	return serve(ctx, mux)
}

// command sends one RESP command and returns the value of its reply.
func command(out net.Conn, in *bufio.Reader, words []string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := out.Write([]byte(b.String())); err != nil {
		return "", err
	}
	line, err := in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "$") || strings.HasPrefix(line, "$-1") {
		return strings.TrimSpace(line), err
	}
	line, err = in.ReadString('\n')
	return strings.TrimSpace(line), err
}
