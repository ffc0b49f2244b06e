package probe

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary plays the traced programs too: see actors_test.go.
func TestMain(m *testing.M) {
	if name := os.Getenv(actorEnv); name != "" {
		if err := runActor(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
