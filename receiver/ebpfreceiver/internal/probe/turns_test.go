package probe

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// actTurns sends a message to itself for each line it is told, always by one
// thread, and says so.
func actTurns() (any, error) {
	runtime.LockOSThread()
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	fmt.Println("connected")
	turns := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); turns++ {
		rawIO(unix.SYS_WRITE, p.client, []byte("ping"))
		rawIO(unix.SYS_READ, p.server, make([]byte, 4))
		fmt.Println("done")
	}
	return turns, nil
}

func TestThreadsNoticeWhatIsSaidOfTheirProcess(t *testing.T) {
	s := newStage(t, nil)
	a := start(t, "turns")
	say := func(line, want string) {
		_, err := io.WriteString(a.stdin, line+"\n")
		require.NoError(t, err)
		answer, err := a.stdout.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want+"\n", answer)
	}
	say("go", "connected")
	say("untraced", "done")
	require.NoError(t, s.SetTarget(a.pid, Target{}))
	say("traced", "done")
	require.NoError(t, s.ClearTarget(a.pid))
	say("untraced", "done")
	require.NoError(t, s.SetTarget(a.pid, Target{GoidOffset: 152, GoidParentOffset: 280}))
	say("traced, as a Go program", "done")
	require.NoError(t, a.stdin.Close())
	require.NoError(t, a.cmd.Wait())
	require.Eventually(t, func() bool { return s.exited(a.pid) && s.settled() }, 10*time.Second, 5*time.Millisecond)
	require.Len(t, s.ios, 4, "a write and a read, twice")
	for i, e := range s.ios {
		assert.EqualValues(t, i+1, e.At.IO)
		assert.Equal(t, i >= 2, e.At.Goid != 0, "from the second time on")
	}
}
