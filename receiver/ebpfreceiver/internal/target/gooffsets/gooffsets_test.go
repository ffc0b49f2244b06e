package gooffsets

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// build compiles a program of testdata.
func build(t testing.TB, program string, env []string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), program)
	args := append([]string{"build", "-o", out}, flags...)
	command := exec.Command("go", append(args, "./testdata/"+program)...)
	command.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0", "GOOS=linux"}, env...)...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return out
}

func TestOffsetsOfThisRelease(t *testing.T) {
	want, ok := lookup(runtime.Version())
	require.True(t, ok, "%s is not in the table: go generate", runtime.Version())
	for title, test := range map[string]struct {
		env   []string
		flags []string
		want  Source
	}{
		"with debug information":              {nil, nil, FromDWARF},
		"with uncompressed debug information": {nil, []string{"-ldflags=-compressdwarf=false"}, FromDWARF},
		"without":                             {nil, []string{"-ldflags=-w"}, FromTable},
		"stripped":                            {nil, []string{"-ldflags=-s -w", "-trimpath"}, FromTable},
		"position independent":                {nil, []string{"-buildmode=pie"}, FromDWARF},
		"position independent and stripped":   {nil, []string{"-buildmode=pie", "-ldflags=-s -w"}, FromTable},
		"for arm64":                           {[]string{"GOARCH=arm64"}, nil, FromDWARF},
		"for arm64 and stripped":              {[]string{"GOARCH=arm64"}, []string{"-ldflags=-s -w"}, FromTable},
	} {
		t.Run(title, func(t *testing.T) {
			program, err := Inspect(build(t, "waiting", test.env, test.flags...))
			require.NoError(t, err)
			assert.Equal(t, runtime.Version(), program.Version)
			assert.Equal(t, test.want, program.Source)
			assert.Contains(t, program.MainPackage, "testdata/waiting")
			assert.Equal(t, want, program.Offsets, "whatever the source")
		})
	}
}

// rename changes the release that a program says it was built with.
func rename(t *testing.T, path, release string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	from := []byte(runtime.Version())
	require.Len(t, release, len(from))
	out := path + "-" + release
	require.NoError(t, os.WriteFile(out, bytes.ReplaceAll(data, from, []byte(release)), 0o755))
	return out
}

func TestOffsetsOfAnUnknownReleaseAreNotGuessed(t *testing.T) {
	plain, stripped := build(t, "waiting", nil), build(t, "waiting", nil, "-ldflags=-s -w")
	version := runtime.Version()
	future := version[:4] + "99" + version[6:]
	program, err := Inspect(rename(t, plain, future))
	require.NoError(t, err)
	assert.Equal(t, FromDWARF, program.Source, "its own debug information knows")
	program, err = Inspect(rename(t, stripped, future))
	require.NoError(t, err)
	assert.Equal(t, Program{Source: UnknownRelease, Version: future, MainPackage: program.MainPackage, GOffset: -8}, program)
}

func TestLookup(t *testing.T) {
	for version, want := range map[string]Offsets{
		"go1.18":                  {152, 0},
		"go1.20.7":                {152, 0},
		"go1.21.0":                {152, 272},
		"go1.22.12":               {152, 272},
		"go1.23.4":                {160, 280},
		"go1.24.13":               {160, 280},
		"go1.25.7":                {152, 272},
		"go1.26.8":                {152, 280},
		"go1.26.1 X:boringcrypto": {152, 280},
		"go1.17.13":               {},
		"go1.24.99":               {}, // later than measured
		"go1.99":                  {},
		"go1.26rc1":               {},
		"go1.22.1b4":              {},
		"go1.20.6 (Red Hat 1)":    {},
		"devel go1.27-abcdef":     {},
		"go2.1":                   {},
		"go1":                     {},
		"go1.-1":                  {},
		"":                        {},
	} {
		found, ok := lookup(version)
		assert.Equal(t, want, found, version)
		assert.Equal(t, want != Offsets{}, ok, version)
	}
}

func TestTableIsInOrder(t *testing.T) {
	for i, r := range table {
		assert.IsIncreasing(t, append([]int{-1}, r.probed...))
		assert.NotZero(t, r.offsets.Goid)
		assert.Equal(t, r.minor >= 21, r.offsets.ParentGoid != 0)
		if i > 0 {
			assert.GreaterOrEqual(t, r.minor, table[i-1].minor)
		}
	}
}

func TestOtherFilesAreNotGo(t *testing.T) {
	for title, contents := range map[string][]byte{
		"a script":          []byte("#!/bin/sh\n"),
		"an empty file":     nil,
		"a lone ELF header": []byte("\x7fELF\x02\x01\x01"),
		"random bytes":      bytes.Repeat([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0}, 400),
	} {
		t.Run(title, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(path, contents, 0o755))
			program, err := Inspect(path)
			require.NoError(t, err)
			assert.Equal(t, Program{}, program)
		})
	}
	program, err := Inspect("/bin/sh")
	require.NoError(t, err)
	assert.Equal(t, Program{}, program, "a C program")
	_, err = Inspect("/does/not/exist")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestOtherArchitecturesAreNotGuessed(t *testing.T) {
	path := build(t, "waiting", nil)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	binary.LittleEndian.PutUint16(data[18:], uint16(elf.EM_RISCV))
	require.NoError(t, os.WriteFile(path+"-riscv", data, 0o755))
	program, err := Inspect(path + "-riscv")
	require.NoError(t, err)
	assert.Equal(t, UnknownG, program.Source)
	assert.Zero(t, program.Offsets)
}

func TestATruncatedProgramDoesNotHurt(t *testing.T) {
	whole, err := os.ReadFile(build(t, "waiting", nil))
	require.NoError(t, err)
	for _, share := range []int{1, 5, 20, 50, 80, 95, 99} {
		path := filepath.Join(t.TempDir(), "cut")
		require.NoError(t, os.WriteFile(path, whole[:len(whole)*share/100], 0o755))
		program, err := Inspect(path)
		assert.Zero(t, program.Goid, "%d %%: %v", share, err)
	}
}

func TestCacheReadsAFileOnce(t *testing.T) {
	path := build(t, "waiting", nil, "-ldflags=-w")
	cache := NewCache()
	first, fresh, err := cache.Inspect(path)
	require.NoError(t, err)
	assert.True(t, fresh)
	link := path + "-again"
	require.NoError(t, os.Link(path, link))
	second, fresh, err := cache.Inspect(link)
	require.NoError(t, err)
	assert.False(t, fresh, "another path of the same file")
	assert.Equal(t, first, second)

	require.NoError(t, os.WriteFile(path+"-new", []byte("#!/bin/sh\n"), 0o755))
	require.NoError(t, os.Rename(path+"-new", path))
	third, fresh, err := cache.Inspect(path)
	require.NoError(t, err)
	assert.True(t, fresh, "another file at the same path")
	assert.Equal(t, NotGo, third.Source)
	_, _, err = cache.Inspect("/does/not/exist")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestCacheIsBounded(t *testing.T) {
	cache := NewCache()
	for i := range 2*cacheLimit + 10 {
		cache.remember(fileID{inode: uint64(i)}, Program{Version: fmt.Sprint(i)})
	}
	assert.Len(t, cache.programs, cacheLimit)
	assert.Len(t, cache.order, cacheLimit)
	assert.Contains(t, cache.programs, fileID{inode: 2*cacheLimit + 9})
	assert.NotContains(t, cache.programs, fileID{inode: 9})
}

func BenchmarkInspect(b *testing.B) {
	for name, flags := range map[string]string{"dwarf": "-trimpath", "table": "-ldflags=-s -w"} {
		b.Run(name, func(b *testing.B) {
			path := build(b, "waiting", nil, flags)
			b.ReportAllocs()
			for b.Loop() {
				program, err := Inspect(path)
				if err != nil || program.Goid == 0 {
					b.Fatal(program, err)
				}
			}
		})
	}
}

func BenchmarkCacheHit(b *testing.B) {
	path := build(b, "waiting", nil)
	cache := NewCache()
	for b.Loop() {
		if _, _, err := cache.Inspect(path); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzInspect(f *testing.F) {
	small, err := os.ReadFile("/bin/true")
	require.NoError(f, err)
	f.Add(small[:4096])
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = inspect(bytes.NewReader(data)) // must return
	})
}
