package gooffsets

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
)

// Offsets are places in runtime.g, in bytes from its start. Zero means unknown
// or, for ParentGoid, that this release has no such field (before Go 1.21).
type Offsets struct{ Goid, ParentGoid uint32 }

// Source is where the offsets come from, or why there are none.
type Source uint8

// Sources of offsets.
const (
	NotGo          Source = iota // not a Go program
	FromDWARF                    // the debug information of the program
	FromTable                    // the table of releases
	UnknownRelease               // no debug information and not in the table
	UnknownG                     // g is not where the kernel side looks for it
)

// Program is what is known of an executable. Without offsets its goroutines
// cannot be told apart.
type Program struct {
	Source
	Offsets
	Version     string // release of Go as the program tells: "go1.26.8"
	MainPackage string // import path
	// GOffset is where the address of g is, from the thread pointer, on amd64: -8
	// unless C code that is linked in has thread-local variables of its own. Zero
	// means unknown there; on arm64 g is in a register.
	GOffset int64
}

// Inspect examines the executable at path, which may be /proc/<pid>/exe. A file
// that is no Go program is no error.
func Inspect(path string) (Program, error) {
	file, err := os.Open(path)
	if err != nil {
		return Program{}, err
	}
	defer file.Close()
	return inspect(file)
}

func inspect(file io.ReaderAt) (Program, error) {
	binary, err := elf.NewFile(file)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) || errors.Is(err, io.EOF) {
			return Program{}, nil // a script, an archive, something else
		}
		return Program{}, fmt.Errorf("read executable: %w", err)
	}
	if len(binary.Sections) > 0 && binary.Section(".go.buildinfo") == nil {
		return Program{}, nil
	}
	info, err := buildinfo.Read(file)
	if err != nil {
		return Program{}, nil //nolint:nilerr // that is how it says: not Go
	}
	p := Program{Version: info.GoVersion, MainPackage: info.Path}
	if p.MainPackage == "command-line-arguments" {
		p.MainPackage = "" // go build main.go
	}
	p.Source = UnknownG
	if p.GOffset = gOffset(binary); p.GOffset == usualG || binary.Machine == elf.EM_AARCH64 {
		p.Source, p.Offsets = locate(binary, info.GoVersion)
	}
	return p, nil
}

func locate(binary *elf.File, version string) (Source, Offsets) {
	if offsets, ok := readDWARF(binary); ok {
		return FromDWARF, offsets
	}
	if offsets, ok := lookup(version); ok {
		return FromTable, offsets
	}
	return UnknownRelease, Offsets{}
}

// usualG is where the kernel side looks for g on amd64.
const usualG = -8

// gOffset returns Program.GOffset. A program's thread-local segment ends at the
// thread pointer (ELF Handling For Thread-Local Storage, variant II); the
// runtime keeps g in eight bytes of it that it calls runtime.tlsg.
func gOffset(binary *elf.File) int64 {
	if binary.Machine != elf.EM_X86_64 {
		return 0
	}
	for _, segment := range binary.Progs {
		if segment.Type != elf.PT_TLS || segment.Memsz == 0 {
			continue
		}
		align := max(segment.Align, 1)
		end := (segment.Memsz + align - 1) / align * align
		if end == 8 {
			return usualG
		}
		if symbol, ok := tlsSymbol(binary); ok && symbol < end && end < 1<<31 {
			return int64(symbol) - int64(end)
		}
		return 0
	}
	return usualG // no segment: the runtime makes one of its own
}

// symbolLimit bounds the symbol table that is read for one symbol.
const symbolLimit = 64 << 20

// tlsSymbol returns the offset of runtime.tlsg in the thread-local segment.
func tlsSymbol(binary *elf.File) (uint64, bool) {
	table := binary.SectionByType(elf.SHT_SYMTAB)
	if table == nil || table.Size > symbolLimit {
		return 0, false
	}
	symbols, err := binary.Symbols()
	if err != nil {
		return 0, false
	}
	for i := range symbols {
		if symbols[i].Name == "runtime.tlsg" && elf.ST_TYPE(symbols[i].Info) == elf.STT_TLS {
			return symbols[i].Value, true
		}
	}
	return 0, false
}
