package scenario

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Missing returns those of the Debian packages that are not installed.
func Missing(ctx context.Context, packages []string) ([]string, error) {
	if len(packages) == 0 {
		return nil, nil
	}
	args := append([]string{"-W", "-f", "${Package} ${db:Status-Status}\n"}, packages...)
	// dpkg-query exits 1 if it does not know one of them, and still prints the rest.
	text, err := exec.CommandContext(ctx, "dpkg-query", args...).Output()
	if _, known := err.(*exec.ExitError); err != nil && !known {
		return nil, fmt.Errorf("query installed packages: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	return slices.DeleteFunc(slices.Clone(packages), func(p string) bool {
		return slices.Contains(lines, p+" installed")
	}), nil
}

// Install installs the Debian packages that are missing and says so first. No
// service of theirs is started: the testbed starts its own.
func Install(ctx context.Context, packages []string, out io.Writer) error {
	missing, err := Missing(ctx, packages)
	if err != nil || len(missing) == 0 {
		return err
	}
	fmt.Fprintf(out, "installing Debian packages: %s\n", strings.Join(missing, " "))
	restore, err := forbidServices()
	if err != nil {
		return err
	}
	defer restore()
	for _, args := range [][]string{
		{"update", "-q"},
		append([]string{"install", "-q", "-y", "--no-install-recommends"}, missing...),
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, tail(text, 20))
		}
	}
	return nil
}

// forbidServices keeps packages from starting their services while they are
// installed, by the policy file that Debian has for this, if there is none yet.
func forbidServices() (restore func(), err error) {
	const policy = "/usr/sbin/policy-rc.d"
	f, err := os.OpenFile(policy, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if os.IsExist(err) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("forbid services: %w", err)
	}
	_, err = f.WriteString("#!/bin/sh\nexit 101\n")
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("forbid services: %w", err)
	}
	return func() { _ = os.Remove(policy) }, nil
}

// tail returns the last n lines of text.
func tail(text []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
