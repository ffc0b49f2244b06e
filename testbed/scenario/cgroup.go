package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// hierarchy returns the directory of the unified cgroup hierarchy, or an empty
// string if there is none that we may write to.
func hierarchy() string {
	for _, dir := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil && syscall.Access(dir, 2) == nil {
			return dir
		}
	}
	return ""
}

// makeCgroup makes a cgroup for one service of the run of this process.
func makeCgroup(run, service string) (string, error) {
	top := hierarchy()
	if top == "" {
		return "", nil
	}
	dir := filepath.Join(top, "testbed-"+strconv.Itoa(os.Getpid()), run, service)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make cgroup: %w", err)
	}
	return dir, nil
}

// removeCgroup removes dir and those of its parents that were made with it,
// once the kernel has let go of the last process.
func removeCgroup(dir string) error {
	if dir == "" {
		return nil
	}
	var err error
	for range 100 {
		if err = os.Remove(dir); !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	// The others are in use until their last service is gone.
	_ = os.Remove(filepath.Dir(dir))
	_ = os.Remove(filepath.Dir(filepath.Dir(dir)))
	return nil
}
