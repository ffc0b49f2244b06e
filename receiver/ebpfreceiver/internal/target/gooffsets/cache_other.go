//go:build !linux

package gooffsets

import "io/fs"

func inodeOf(fs.FileInfo) (device, inode uint64, ok bool) { return 0, 0, false }
