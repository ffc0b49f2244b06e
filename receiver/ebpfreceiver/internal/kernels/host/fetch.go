package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// metaPackage depends on a suite's newest kernel for virtual machines.
const metaPackage = "linux-image-cloud-amd64"

// mirrors are asked in this order: a suite moves to the archive when it is old.
var mirrors = []string{"http://deb.debian.org/debian", "http://archive.debian.org/debian"}

const aptConfig = `Dir::Etc::SourceList "%[1]s/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "%[1]s/state";
Dir::State::Status "/dev/null";
Dir::Cache "%[1]s/cache";
Dir::Log "%[1]s/log";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-large::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
APT::Update::Post-Invoke {"true";};
APT::Update::Post-Invoke-Success {"true";};
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`

// fetch returns the path of the suite's newest cloud kernel, which it keeps in
// dir. Apt works there with a configuration of its own: the machine's sources and
// packages stay as they are.
func fetch(ctx context.Context, dir, suite string, refresh bool) (string, error) {
	if !refresh {
		if image, err := findImage(dir); err == nil {
			return image, nil
		}
	}
	var errs []error
	for _, mirror := range mirrors {
		image, err := fetchFrom(ctx, mirror, dir, suite)
		if err == nil {
			return image, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", mirror, err))
	}
	return "", errors.Join(errs...)
}

func fetchFrom(ctx context.Context, mirror, dir, suite string) (string, error) {
	a, err := newApt(mirror, dir, suite)
	if err != nil {
		return "", err
	}
	if _, err := a.run(ctx, "apt-get", "update", "-qq", "--error-on=any"); err != nil {
		return "", err
	}
	image, err := a.dependency(ctx, metaPackage, "linux-image-")
	if err != nil {
		return "", err
	}
	// Newer packages keep the kernel in one of their own.
	if binary, err := a.dependency(ctx, image, "linux-binary-"); err == nil {
		image = binary
	}
	if _, err := a.run(ctx, "apt-get", "download", "-qq", image); err != nil {
		return "", err
	}
	return a.unpack(ctx, image)
}

// apt is a private configuration of apt in a folder.
type apt struct{ dir string }

func newApt(mirror, dir, suite string) (*apt, error) {
	a := &apt{dir: dir}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "log"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	source := fmt.Sprintf("deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n", mirror, suite)
	return a, errors.Join(
		os.WriteFile(filepath.Join(dir, "sources.list"), []byte(source), 0o644),
		os.WriteFile(filepath.Join(dir, "apt.conf"), fmt.Appendf(nil, aptConfig, dir), 0o644),
	)
}

func (a *apt) run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out), nil
}

// dependency returns the package that pkg depends on and whose name starts with
// prefix.
func (a *apt) dependency(ctx context.Context, pkg, prefix string) (string, error) {
	out, err := a.run(ctx, "apt-cache", "depends", "--no-recommends", "--no-suggests", pkg)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if ok && strings.HasPrefix(name, prefix) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s depends on no %s…", pkg, prefix)
}

// unpack takes the kernel out of the downloaded package and drops the rest.
func (a *apt) unpack(ctx context.Context, pkg string) (string, error) {
	packages, err := filepath.Glob(filepath.Join(a.dir, "*.deb"))
	if err != nil || len(packages) != 1 {
		return "", fmt.Errorf("want one package of %s, got %v (%w)", pkg, packages, err)
	}
	content := filepath.Join(a.dir, "content")
	if _, err := a.run(ctx, "dpkg", "-x", packages[0], content); err != nil {
		return "", err
	}
	found, err := findImage(content)
	if err != nil {
		return "", err
	}
	image := filepath.Join(a.dir, "vmlinuz")
	return image, errors.Join(os.Rename(found, image), os.RemoveAll(content), os.Remove(packages[0]),
		os.RemoveAll(filepath.Join(a.dir, "state")), os.RemoveAll(filepath.Join(a.dir, "cache")))
}

func findImage(dir string) (string, error) {
	var image string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasPrefix(d.Name(), "vmlinuz") {
			image = path
			return fs.SkipAll
		}
		return err
	})
	if err == nil && image == "" {
		err = fmt.Errorf("no kernel in %s", dir)
	}
	return image, err
}
