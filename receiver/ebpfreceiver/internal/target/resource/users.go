package resource

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bounds of the user database.
const (
	passwdLimit = 4 << 20
	usersLimit  = 1 << 16
)

// users names the users of the host from /etc/passwd, which is read again when
// it has changed.
type users struct {
	path     string
	modified time.Time
	names    map[uint32]string
}

func newUsers(root string) *users {
	return &users{path: filepath.Join(root, "etc/passwd")}
}

// name returns the name of a user, empty if it has none.
func (u *users) name(uid uint32) string {
	info, err := os.Stat(u.path)
	if err != nil {
		return ""
	}
	if u.names == nil || !info.ModTime().Equal(u.modified) {
		u.read()
		u.modified = info.ModTime()
	}
	return u.names[uid]
}

func (u *users) read() {
	u.names = make(map[uint32]string)
	file, err := os.Open(u.path)
	if err != nil {
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, passwdLimit))
	for lines.Scan() && len(u.names) < usersLimit {
		fields := strings.SplitN(lines.Text(), ":", 4)
		if len(fields) < 4 {
			continue
		}
		uid, err := strconv.ParseUint(fields[2], 10, 32)
		if _, taken := u.names[uint32(uid)]; err == nil && !taken {
			u.names[uint32(uid)] = fields[0]
		}
	}
}
