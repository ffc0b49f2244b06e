package procfs

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statLine is a stat file with the name given; the numbers are of a sleep.
func statLine(name string) string {
	return "4711 (" + name + ") S 4242 4711 4242 34816 4711 4194304 105 0 0 0 1 2 0 0 20 0 3 0 987654 2867200 231 18446744073709551615 " +
		"94150000001 94150000002 140720000003 0 0 0 0 0 0 1 0 0 17 1 0 0 0 0 0 94150000004 94150000005 94150000006 140720000007 140720000008 140720000009 140720000010 0\n"
}

func TestParseStat(t *testing.T) {
	for title, name := range map[string]string{
		"takes a plain name":                       "sleep",
		"takes a name with spaces and parentheses": "a) S 1 (b",
		"takes an empty name":                      "",
		"takes a name with a line break":           "a\nb",
	} {
		t.Run(title, func(t *testing.T) {
			stat, err := ParseStat([]byte(statLine(name)))
			require.NoError(t, err)
			assert.Equal(t, Stat{
				Comm: name, State: 'S', Parent: 4242, Flags: 4194304, Threads: 3, Start: 987654,
				Image: Image{Code: 94150000001, Stack: 140720000003},
			}, stat)
		})
	}
}

func TestParseStatRefuses(t *testing.T) {
	for title, text := range map[string]string{
		"nothing":                "",
		"a line without a name":  "4711 sleep S 1",
		"parentheses reversed":   "4711 )sleep( S 1",
		"a line that is cut off": "4711 (sleep) S 4242 4711 4242",
		"letters for a number":   strings.Replace(statLine("sleep"), "987654", "98x654", 1),
		"a negative start":       strings.Replace(statLine("sleep"), "987654", "-1", 1),
	} {
		t.Run(title, func(t *testing.T) {
			_, err := ParseStat([]byte(text))
			assert.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestStatTellsWhatIsDead(t *testing.T) {
	for title, test := range map[string]struct {
		stat Stat
		dead bool
	}{
		"a sleeping process lives":                  {Stat{State: 'S', Threads: 1}, false},
		"a zombie is dead":                          {Stat{State: 'Z', Threads: 1}, true},
		"a zombie leader of living threads lives":   {Stat{State: 'Z', Threads: 4}, false},
		"a process that is being removed is dead":   {Stat{State: 'X', Threads: 0}, true},
		"a process on its way out is dead":          {Stat{State: 'R', Flags: 0x0040004c, Threads: 1}, true},
		"a leader that leaves its threads lives":    {Stat{State: 'R', Flags: 0x0040004c, Threads: 2}, false},
		"a process in uninterruptible sleep is not": {Stat{State: 'D', Threads: 1}, false},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.dead, test.stat.Dead()) })
	}
	assert.True(t, (&Stat{Flags: 0x00208040}).KernelThread())
	assert.False(t, (&Stat{Flags: 4194304}).KernelThread())
}

func TestParseCommandLine(t *testing.T) {
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"splits at NUL":                        {"python3\x00-m\x00http.server\x00", []string{"python3", "-m", "http.server"}},
		"keeps an empty argument inside":       {"a\x00\x00b\x00", []string{"a", "", "b"}},
		"drops the padding of a title":         {"nginx: worker process\x00\x00\x00\x00", []string{"nginx: worker process"}},
		"takes one without a terminator":       {"cut", []string{"cut"}},
		"is empty for a kernel thread":         {"", nil},
		"is empty where all was overwritten":   {"\x00\x00\x00", nil},
		"keeps bytes that are no valid UTF-8":  {"\xff\x00", []string{"\xff"}},
		"keeps spaces inside of one argument":  {"sh\x00-c\x00a b\x00", []string{"sh", "-c", "a b"}},
		"keeps line breaks inside an argument": {"sh\x00a\nb\x00", []string{"sh", "a\nb"}},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.want, ParseCommandLine([]byte(test.text))) })
	}
}

// scan runs scanEnviron on text handed out in pieces of the size given.
func scan(t *testing.T, text string, piece int, names ...string) map[string]string {
	t.Helper()
	source := strings.NewReader(text)
	values, err := scanEnviron(make([]byte, 2*variableLimit), func(p []byte) (int, error) {
		n, err := source.Read(p[:min(piece, len(p))])
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}, names)
	require.NoError(t, err)
	return values
}

func TestScanEnviron(t *testing.T) {
	long := strings.Repeat("x", variableLimit)
	for title, test := range map[string]struct {
		text string
		want map[string]string
	}{
		"finds the variables that are asked for": {"PATH=/bin\x00A=1\x00HOME=/\x00B=two=2\x00", map[string]string{"A": "1", "B": "two=2"}},
		"finds an empty one":                     {"A=\x00", map[string]string{"A": ""}},
		"takes the first of two":                 {"A=1\x00A=2\x00", map[string]string{"A": "1"}},
		"is not fooled by a longer name":         {"AA=1\x00XA=2\x00a=3\x00", map[string]string{}},
		"passes over entries without a value":    {"A\x00\x00=A\x00A=1\x00", map[string]string{"A": "1"}},
		"passes over one that is too long":       {"A=" + long + "\x00B=2\x00", map[string]string{"B": "2"}},
		"passes over one that is far too long":   {"A=" + strings.Repeat(long, 5) + "\x00B=2\x00", map[string]string{"B": "2"}},
		"leaves out one that is cut off":         {"B=2\x00A=1", map[string]string{"B": "2"}},
		"stops at the limit":                     {strings.Repeat("X="+long[:1000]+"\x00", 1300) + "A=1\x00", map[string]string{}},
		"is empty for an empty environment":      {"", map[string]string{}},
		"finds one just below the limit": {
			strings.Repeat("X="+long[:1000]+"\x00", 1000) + "A=1\x00", map[string]string{"A": "1"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			for _, piece := range []int{1, 7, 4096, 1 << 20} {
				if piece == 1 && len(test.text) > 1<<16 {
					continue
				}
				assert.Equal(t, test.want, scan(t, test.text, piece, "A", "B"))
			}
		})
	}
}

func TestScanEnvironReportsAReadError(t *testing.T) {
	_, err := scanEnviron(make([]byte, 64), func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }, []string{"A"})
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestParseOwner(t *testing.T) {
	uid, err := ParseOwner([]byte("Name:\tsleep\nUmask:\t0022\nUid:\t0\t33\t33\t33\nGid:\t0\t0\t0\t0\n"))
	require.NoError(t, err)
	assert.Equal(t, uint32(33), uid, "the effective one")
	for title, text := range map[string]string{
		"no line":         "Name:\tsleep\n",
		"one id":          "Name:\tx\nUid:\t0\n",
		"letters":         "Name:\tx\nUid:\ta\tb\tc\td\n",
		"the name fakes":  "Name:\tUid: 1 2 3 4\n",
		"a negative user": "Name:\tx\nUid:\t0\t-1\n",
	} {
		t.Run("refuses "+title, func(t *testing.T) {
			_, err := ParseOwner([]byte(text))
			assert.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestParseCgroups(t *testing.T) {
	groups := ParseCgroups("9:name=systemd:/system.slice/a.service\n4:cpu,cpuacct:/x\n0::/system.slice/b:c.service\n\nnonsense\n7:memory:relative\n")
	assert.Equal(t, []Cgroup{
		{"name=systemd", "/system.slice/a.service"},
		{"cpu,cpuacct", "/x"},
		{"", "/system.slice/b:c.service"},
	}, groups)
	assert.Empty(t, ParseCgroups(""))
}

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1F90 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0000000000000000 20 4 30 10 -1
`

const tcp6Table = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 555 1 0000000000000000 100 0 0 10 0
   2: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 666 1 0000000000000000 100 0 0 10 0
`

func TestParseListeners(t *testing.T) {
	assert.Equal(t, []Listener{
		{netip.MustParseAddrPort("127.0.0.1:8080"), 111},
		{netip.MustParseAddrPort("0.0.0.0:22"), 222},
	}, ParseListeners([]byte(tcpTable)), "and not the established connection")
	assert.Equal(t, []Listener{
		{netip.MustParseAddrPort("[::]:80"), 444},
		{netip.MustParseAddrPort("127.0.0.1:81"), 555},
		{netip.MustParseAddrPort("[2001:db8::1]:443"), 666},
	}, ParseListeners([]byte(tcp6Table)))
}

func TestParseListenersLeavesOutNonsense(t *testing.T) {
	for title, local := range map[string]string{
		"no colon":         "0100007F1F90",
		"an odd length":    "0100007:1F90",
		"a strange length": "0100007F01:1F90",
		"letters":          "0100007G:1F90",
		"a long port":      "0100007F:1F901",
		"no port":          "0100007F:",
		"an endless one":   strings.Repeat("00", 200) + ":1F90",
	} {
		t.Run(title, func(t *testing.T) {
			assert.Empty(t, ParseListeners([]byte(strings.Replace(tcpTable, "0100007F:1F90 00000000", local+" 00000000", 1)[:260])))
		})
	}
}

func TestLastListensStopsAtTheFirstOther(t *testing.T) {
	lines := strings.SplitAfter(tcpTable, "\n")
	assert.True(t, lastListens(nil))
	assert.True(t, lastListens([]byte(lines[0])))
	assert.True(t, lastListens([]byte(lines[0]+lines[1])))
	assert.True(t, lastListens([]byte(lines[0]+lines[1]+lines[3][:30])), "half a line says nothing")
	assert.False(t, lastListens([]byte(tcpTable)))
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(statLine("sleep")))
	f.Add([]byte("1 () S"))
	f.Fuzz(func(t *testing.T, data []byte) {
		stat, err := ParseStat(data)
		if err == nil {
			assert.Contains(t, string(data), "("+stat.Comm+")")
		}
	})
}

func FuzzScanEnviron(f *testing.F) {
	f.Add([]byte("A=1\x00B=2\x00"), 3)
	f.Add([]byte("X\x00=\x00A=\x00"), 1)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		piece = max(1, piece)
		if len(data)/piece > 1<<14 {
			return
		}
		want := map[string]string{}
		for _, entry := range bytes.Split(data, []byte{0})[:bytes.Count(data, []byte{0})] {
			takeVariable(want, entry, []string{"A", "B"})
		}
		if len(data) < environLimit {
			assert.Equal(t, want, scan(t, string(data), piece, "A", "B"))
		}
	})
}

func FuzzParseCommandLine(f *testing.F) {
	f.Add([]byte("a\x00b\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		args := ParseCommandLine(data)
		assert.Equal(t, strings.TrimRight(string(data), "\x00"), strings.Join(args, "\x00"))
	})
}

func FuzzParseCgroups(f *testing.F) {
	f.Add("0::/a\n1:cpu:/b\n")
	f.Fuzz(func(t *testing.T, data string) {
		for _, group := range ParseCgroups(data) {
			assert.Contains(t, data, ":"+group.Controllers+":"+group.Path)
		}
	})
}

func FuzzParseListeners(f *testing.F) {
	f.Add([]byte(tcpTable))
	f.Add([]byte(tcp6Table))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, found := range ParseListeners(data) {
			assert.True(t, found.Local.IsValid())
			assert.False(t, found.Local.Addr().Is4In6())
		}
	})
}
