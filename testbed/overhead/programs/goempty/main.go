// Goempty answers every request with nothing, as fast as net/http can: beside it
// tracing has no work to hide behind.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	if err := http.ListenAndServe(os.Getenv("LISTEN"), handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
