package scenario

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func cache(root string) string { return filepath.Join(root, ".cache", "testbed") }

// output is the file or directory that b makes.
func (b *Build) output(root string) string {
	switch {
	case b.Go != "":
		return filepath.Join(cache(root), "go", filepath.Base(b.Go))
	case b.C != "":
		return filepath.Join(cache(root), "c", strings.TrimSuffix(b.C, ".c"))
	case len(b.Java) > 0:
		return filepath.Join(cache(root), "java", strings.TrimSuffix(b.Java[0], ".java"))
	case b.Node:
		return filepath.Join(programs(root), "node", "node_modules")
	}
	return ""
}

func (b *Build) classpath(root string) string {
	parts := []string{b.output(root)}
	for _, jar := range b.Jars {
		parts = append(parts, filepath.Join("/usr/share/java", jar))
	}
	return strings.Join(parts, ":")
}

func (b *Build) sources(root string) []string {
	var out []string
	switch {
	case b.C != "":
		out = append(out, filepath.Join(programs(root), "c", b.C))
	case b.Node:
		out = append(out, filepath.Join(programs(root), "node", "package-lock.json"))
	}
	for _, f := range b.Java {
		out = append(out, filepath.Join(programs(root), "java", f))
	}
	return out
}

// stale reports whether the output is missing or older than a source. Go
// decides for itself.
func (b *Build) stale(root string) bool {
	made, err := os.Stat(b.output(root))
	if err != nil || b.Go != "" {
		return true
	}
	var newest time.Time
	for _, f := range b.sources(root) {
		if st, err := os.Stat(f); err == nil && st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	return newest.After(made.ModTime())
}

// run compiles what is not up to date, and tells out what it does.
func (b *Build) run(ctx context.Context, root string, out io.Writer) error {
	target := b.output(root)
	if target == "" || !b.stale(root) {
		return nil
	}
	cmd := b.command(ctx, root, target)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("build %s: %w", filepath.Base(target), err)
	}
	if b.Go == "" { // go build says nothing either, and is nearly always done at once
		fmt.Fprintf(out, "building %s\n", filepath.Base(target))
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", filepath.Base(target), err, tail(text, 20))
	}
	now := time.Now()
	return os.Chtimes(target, now, now) // a directory keeps its old time
}

func (b *Build) command(ctx context.Context, root, target string) *exec.Cmd {
	var cmd *exec.Cmd
	switch {
	case b.Go != "":
		cmd = exec.CommandContext(ctx, "go", "build", "-o", target, ".")
		cmd.Dir = filepath.Join(root, b.Go)
	case b.C != "":
		cmd = exec.CommandContext(ctx, "gcc", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", target, b.sources(root)[0])
	case b.Node:
		cmd = exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
		cmd.Dir = filepath.Join(programs(root), "node")
	default:
		args := []string{"-nowarn", "-d", target, "-cp", b.classpath(root)}
		cmd = exec.CommandContext(ctx, "javac", append(args, b.sources(root)...)...)
	}
	return cmd
}
