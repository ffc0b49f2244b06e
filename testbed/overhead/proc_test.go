package overhead

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proc makes a /proc of files.
func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestProcessorTimeIsUserAndSystem(t *testing.T) {
	dir := proc(t, map[string]string{"7/stat": "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 31 9 9 20 0 3 0 100 1 2\n"})
	cpu, err := processCPU(dir, 7)
	require.NoError(t, err)
	assert.Equal(t, 2810*time.Millisecond, cpu)
}

func TestAStatThatIsNoneIsAnError(t *testing.T) {
	dir := proc(t, map[string]string{"7/stat": "7 (a) S 1", "8/stat": "8 (a) S 1 7 7 0 -1 4194304 100 0 0 0 x 31 9 9\n", "9/stat": ""})
	for _, pid := range []int{6, 7, 8, 9} {
		_, err := processCPU(dir, pid)
		assert.Error(t, err, pid)
	}
}

func TestOwnProcessorTimeGrows(t *testing.T) {
	before, err := processCPU("/proc", os.Getpid())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for i := range 1_000_000 {
			_ = i * i
		}
		now, err := processCPU("/proc", os.Getpid())
		return err == nil && now > before
	}, 10*time.Second, time.Millisecond)
}

func TestACgroupsTimeIsRead(t *testing.T) {
	dir := proc(t, map[string]string{"cpu.stat": "usage_usec 1234567\nuser_usec 1000000\n"})
	cpu, err := cgroupCPU(dir)
	require.NoError(t, err)
	assert.Equal(t, 1234567*time.Microsecond, cpu)
	_, err = cgroupCPU(t.TempDir())
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestPeakMemoryIsInKiB(t *testing.T) {
	dir := proc(t, map[string]string{"7/status": "Name:\ta\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n", "8/status": "Name:\ta\n"})
	peak, err := peakMemory(dir, 7)
	require.NoError(t, err)
	assert.Equal(t, uint64(2<<20), peak)
	_, err = peakMemory(dir, 8)
	assert.ErrorContains(t, err, "VmHWM")
}

// A process with two programs, one of them open twice and linked, and two maps.
func bpfProc(t *testing.T, runs, ns string) string {
	program := "pos:\t0\nprog_type:\t26\nprog_tag:\taaaa\nmemlock:\t8192\nprog_id:\t11\nrun_time_ns:\t" + ns + "\nrun_cnt:\t" + runs + "\n"
	return proc(t, map[string]string{
		"7/fdinfo/3":  "pos:\t0\nflags:\t02\n",
		"7/fdinfo/4":  program,
		"7/fdinfo/5":  program,
		"7/fdinfo/6":  "link_type:\ttracing\nlink_id:\t3\nprog_tag:\taaaa\nprog_id:\t11\n",
		"7/fdinfo/8":  "prog_tag:\tbbbb\nmemlock:\t4096\nprog_id:\t12\nrun_time_ns:\t0\nrun_cnt:\t0\n",
		"7/fdinfo/9":  "map_type:\t27\nmap_id:\t1\nmemlock:\t8392704\n",
		"7/fdinfo/10": "map_type:\t1\nmap_id:\t2\nmemlock:\t1000\n",
		"7/fdinfo/11": "map_type:\t1\nmap_id:\t2\nmemlock:\t1000\n",
		"kallsyms": "ffffffff81000000 T _text\n" +
			"ffffffffc0000000 t bpf_prog_aaaa_sys_exit\t[bpf]\n" +
			"ffffffffc0000100 t bpf_prog_cccc_other\t[bpf]\n",
	})
}

func TestProgramsAndMapsAreCountedOnce(t *testing.T) {
	k, err := readKernel(bpfProc(t, "100", "23000"), 7)
	require.NoError(t, err)
	assert.Equal(t, uint64(8192+4096), k.Programs)
	assert.Equal(t, uint64(8392704+1000), k.Maps)
	assert.Equal(t, k.Programs+k.Maps, k.Bytes())
	assert.Equal(t, []Hook{{tag: "bbbb", Name: "bbbb"}, {tag: "aaaa", Name: "sys_exit", Runs: 100, Time: 23 * time.Microsecond}}, k.Hooks)
}

func TestCostsAreThoseSinceTheReadingBefore(t *testing.T) {
	before, err := readKernel(bpfProc(t, "100", "23000"), 7)
	require.NoError(t, err)
	after, err := readKernel(bpfProc(t, "150", "33000"), 7)
	require.NoError(t, err)
	assert.Equal(t, Hook{tag: "aaaa", Name: "sys_exit", Runs: 50, Time: 10 * time.Microsecond}, after.Since(before)[1])
}

func TestAProcessThatIsGoneCannotBeRead(t *testing.T) {
	_, err := readKernel(t.TempDir(), 7)
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = readKernel(proc(t, map[string]string{"7/fdinfo/3": ""}), 7)
	assert.ErrorIs(t, err, os.ErrNotExist, "no symbols")
}
