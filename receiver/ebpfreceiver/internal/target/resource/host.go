package resource

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of times in /proc. It is 100 on every
// architecture that Go runs on.
const ticksPerSecond = 100

// Host is what the processes of a machine have in common.
type Host struct {
	ID     string // host.id
	Name   string // host.name
	BootID string
	Boot   time.Time // when the machine was started, whole seconds
}

// ReadHost reads the host that root is the file system of; empty means "/".
//
// The id is that of /etc/machine-id, else of D-Bus, else of the firmware, as the
// semantic conventions say. In a container without either it is looked for in
// the file system of process 1, the host's if the process namespace is shared.
// Where nothing is found the id of this boot stands in, since processes of
// different hosts must never look the same.
func ReadHost(root string) (*Host, error) {
	if root == "" {
		root = "/"
	}
	h := &Host{
		Name:   readLine(root, "proc/sys/kernel/hostname"),
		BootID: readLine(root, "proc/sys/kernel/random/boot_id"),
	}
	boot, err := readBootTime(root)
	if err != nil {
		return nil, err
	}
	h.Boot = boot
	for _, name := range [...]string{
		"etc/machine-id", "var/lib/dbus/machine-id",
		"proc/1/root/etc/machine-id", "proc/1/root/var/lib/dbus/machine-id",
	} {
		if id := readLine(root, name); h.ID == "" && isMachineID(id) {
			h.ID = id
		}
	}
	if h.ID == "" {
		h.ID = strings.ToLower(readLine(root, "sys/class/dmi/id/product_uuid"))
	}
	if h.ID == "" {
		h.ID = h.BootID
	}
	return h, nil
}

// Created returns the time at which a process was created that started so many
// clock ticks after boot. It does not change while the Collector runs, even if
// the clock is set.
func (h *Host) Created(start uint64) time.Time {
	return h.Boot.Add(time.Duration(start) * (time.Second / ticksPerSecond)).UTC()
}

func isMachineID(id string) bool {
	return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

// readLine returns the first line of a small file, empty if there is none.
func readLine(root, name string) string {
	file, err := os.Open(filepath.Join(root, name))
	if err != nil {
		return ""
	}
	defer file.Close()
	data, _ := io.ReadAll(io.LimitReader(file, 256))
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return string(bytes.TrimSpace(line))
}

// readBootTime finds btime in /proc/stat, whose line of interrupts may be long.
func readBootTime(root string) (time.Time, error) {
	file, err := os.Open(filepath.Join(root, "proc/stat"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read boot time: %w", err)
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		if seconds, ok := strings.CutPrefix(line, "btime "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
			if err != nil {
				return time.Time{}, fmt.Errorf("read boot time: %w", err)
			}
			return time.Unix(n, 0).UTC(), nil
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("read boot time: no btime in %s: %w", file.Name(), err)
		}
	}
}
