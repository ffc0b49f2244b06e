package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// loopback is where everything runs that has no host of its own.
const loopback = "127.0.0.1"

// hosts are network namespaces joined by a bridge. Without any, everything is
// on this machine's loopback.
type hosts struct {
	id    string // begins the names of everything made, so that runs do not meet
	names []string
	net   string // first three bytes of the addresses
}

// makeHosts makes a namespace for each name and a bridge on which they and we meet.
func makeHosts(ctx context.Context, names []string) (*hosts, error) {
	pid := os.Getpid()
	h := &hosts{id: "tb" + strconv.Itoa(pid), net: fmt.Sprintf("10.213.%d", pid%256)}
	if len(names) == 0 {
		return h, nil
	}
	h.names = names
	steps := [][]string{
		{"link", "add", h.id, "type", "bridge"},
		{"addr", "add", h.net + ".254/24", "dev", h.id},
		{"link", "set", h.id, "up"},
	}
	for i, name := range names {
		ns, inside, outside := h.namespace(name), fmt.Sprintf("%si%d", h.id, i), fmt.Sprintf("%so%d", h.id, i)
		steps = append(steps,
			[]string{"netns", "add", ns},
			[]string{"link", "add", outside, "type", "veth", "peer", "name", inside, "netns", ns},
			[]string{"link", "set", outside, "master", h.id, "up"},
			[]string{"-n", ns, "addr", "add", h.address(name) + "/24", "dev", inside},
			[]string{"-n", ns, "link", "set", inside, "up"},
			[]string{"-n", ns, "link", "set", "lo", "up"},
		)
	}
	for _, args := range steps {
		if err := ip(ctx, args); err != nil {
			return nil, errors.Join(fmt.Errorf("make hosts: %w", err), h.close())
		}
	}
	return h, nil
}

func ip(ctx context.Context, args []string) error {
	if text, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w\n%s", args, err, text)
	}
	return nil
}

func (h *hosts) namespace(name string) string {
	if name == "" {
		return ""
	}
	return h.id + "-" + name
}

func (h *hosts) address(name string) string {
	for i, n := range h.names {
		if n == name {
			return h.net + "." + strconv.Itoa(i+1)
		}
	}
	return loopback
}

// enter makes cmd run on the host called name. The process that starts enters
// the namespace and becomes the program, so its pid is the program's.
func (h *hosts) enter(cmd *exec.Cmd, name string) {
	if name == "" {
		return
	}
	cmd.Args = append([]string{"ip", "netns", "exec", h.namespace(name), cmd.Path}, cmd.Args[1:]...)
	if path, err := exec.LookPath("ip"); err == nil {
		cmd.Path, cmd.Err = path, nil
	}
}

func (h *hosts) close() error {
	if len(h.names) == 0 {
		return nil
	}
	var errs []error
	for _, name := range h.names {
		errs = append(errs, ip(context.Background(), []string{"netns", "del", h.namespace(name)}))
	}
	return errors.Join(append(errs, ip(context.Background(), []string{"link", "del", h.id}))...)
}
