package gooffsets

import (
	"fmt"
	"io/fs"
	"os"
)

// cacheLimit bounds the executables that are remembered.
const cacheLimit = 1024

// Cache remembers executables by file, so that each is read once however many
// processes run it and by whatever path. It is for one goroutine at a time.
type Cache struct {
	programs map[fileID]Program
	order    []fileID // oldest first
}

// NewCache returns an empty Cache.
func NewCache() *Cache {
	return &Cache{programs: make(map[fileID]Program)}
}

// Inspect is the function Inspect with memory. Fresh says that this file was not
// in it.
func (c *Cache) Inspect(path string) (p Program, fresh bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return Program{}, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Program{}, false, fmt.Errorf("stat executable: %w", err)
	}
	id := identify(path, info)
	if p, ok := c.programs[id]; ok {
		return p, false, nil
	}
	if p, err = inspect(file); err != nil {
		return Program{}, false, err
	}
	c.remember(id, p)
	return p, true, nil
}

func (c *Cache) remember(id fileID, p Program) {
	if len(c.order) >= cacheLimit {
		delete(c.programs, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.programs[id] = p
	c.order = append(c.order, id)
}

// fileID is the identity of a file's contents: device, inode and what changes
// with a write; where there are no inodes, the path.
type fileID struct {
	path          string
	device, inode uint64
	size, mtime   int64
}

func identify(path string, info fs.FileInfo) fileID {
	id := fileID{size: info.Size(), mtime: info.ModTime().UnixNano()}
	if device, inode, ok := inodeOf(info); ok {
		id.device, id.inode = device, inode
	} else {
		id.path = path
	}
	return id
}
