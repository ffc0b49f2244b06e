package overhead

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hook is what one program in the kernel has cost, as far as the kernel counted.
type Hook struct {
	tag  string
	Name string        `json:"name"`
	Runs uint64        `json:"runs"`
	Time time.Duration `json:"ns"`
}

// Kernel is what a process holds in the kernel's BPF.
type Kernel struct {
	Hooks    []Hook // by name
	Maps     uint64 // bytes of its maps
	Programs uint64 // bytes of its programs
}

// Bytes returns all the kernel memory.
func (k *Kernel) Bytes() uint64 { return k.Maps + k.Programs }

// Since returns what every hook has cost since an earlier reading.
func (k *Kernel) Since(before *Kernel) []Hook {
	out := slices.Clone(k.Hooks)
	for i := range out {
		for _, h := range before.Hooks {
			if h.Name == out[i].Name {
				out[i].Runs -= h.Runs
				out[i].Time -= h.Time
			}
		}
	}
	return out
}

// readKernel looks at the files that a process has open (kernel/bpf/syscall.c:
// bpf_prog_show_fdinfo, bpf_map_show_fdinfo). Links name their program too and
// are passed over. Names of programs are those of its symbols.
func readKernel(proc string, pid int) (*Kernel, error) {
	dir := filepath.Join(proc, strconv.Itoa(pid), "fdinfo")
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	k := &Kernel{}
	seen := map[string]bool{} // one object may be open twice
	for _, f := range files {
		info, err := readInfo(filepath.Join(dir, f.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // closed meanwhile
		}
		if err != nil {
			return nil, err
		}
		id := info["map_id"] + "/" + info["prog_id"]
		if id == "/" || info["link_id"] != "" || seen[id] {
			continue
		}
		seen[id] = true
		if info["map_id"] != "" {
			k.Maps += info.number("memlock")
			continue
		}
		k.Programs += info.number("memlock")
		k.Hooks = append(k.Hooks, Hook{tag: info["prog_tag"], Runs: info.number("run_cnt"), Time: time.Duration(info.number("run_time_ns"))})
	}
	if err := nameHooks(filepath.Join(proc, "kallsyms"), k.Hooks); err != nil {
		return nil, err
	}
	slices.SortFunc(k.Hooks, func(a, b Hook) int { return strings.Compare(a.Name, b.Name) })
	return k, nil
}

// info is a file of fdinfo: `key:	value` lines.
type info map[string]string

func readInfo(path string) (info, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := info{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			out[key] = strings.TrimSpace(value)
		}
	}
	return out, nil
}

// number is zero where there is none: kernels before 5.19 do not say all of it.
func (i info) number(key string) uint64 {
	n, _ := strconv.ParseUint(i[key], 10, 64)
	return n
}

// nameHooks names hooks by their tag: `… t bpf_prog_<tag>_<name>	[bpf]`. One that is
// not compiled, or whose symbol is hidden, is called by its tag.
func nameHooks(path string, hooks []Hook) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	names := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if _, symbol, ok := strings.Cut(lines.Text(), " bpf_prog_"); ok {
			symbol, _, _ = strings.Cut(symbol, "\t")
			tag, name, _ := strings.Cut(symbol, "_")
			names[tag] = name
		}
	}
	for i := range hooks {
		hooks[i].Name = cmp.Or(names[hooks[i].tag], hooks[i].tag)
	}
	return lines.Err()
}

// runStats is the switch of the kernel's count of runs and time of BPF programs.
const runStats = "/proc/sys/kernel/bpf_stats_enabled"

// countRuns switches the count on. It costs some 30 ns a run, so never while
// anything else is measured.
func countRuns() (off func() error, err error) {
	before, err := os.ReadFile(runStats)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(runStats, []byte("1"), 0); err != nil {
		return nil, fmt.Errorf("count runs of BPF programs: %w", err)
	}
	return func() error { return os.WriteFile(runStats, before, 0) }, nil
}
