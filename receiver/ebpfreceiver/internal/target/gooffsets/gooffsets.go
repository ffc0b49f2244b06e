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
	UnknownTLS                   // g is not where the kernel side looks for it
)

// Program is what is known of an executable. Without offsets its goroutines
// cannot be told apart.
type Program struct {
	Source
	Offsets
	Version     string // release of Go as the program tells: "go1.26.8"
	MainPackage string // import path
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
	if !fixedG(binary) {
		p.Source = UnknownTLS
		return p, nil
	}
	p.Source, p.Offsets = locate(binary, info.GoVersion)
	return p, nil
}

func locate(binary *elf.File, version string) (Source, Offsets) {
	if offsets, ok := readDWARF(binary); ok {
		return FromDWARF, offsets
	}
	if offsets, ok := lookup(version); ok && binary.Class == elf.ELFCLASS64 {
		return FromTable, offsets
	}
	return UnknownRelease, Offsets{}
}

// fixedG reports whether the thread pointer of the program leads to g in the
// only way that the kernel side knows: on amd64 the eight bytes below it. That
// holds unless C code that is linked in has thread-local variables of its own.
// On arm64 g is in a register.
func fixedG(binary *elf.File) bool {
	if binary.Machine != elf.EM_X86_64 {
		return true
	}
	for _, segment := range binary.Progs {
		if segment.Type != elf.PT_TLS || segment.Memsz == 0 {
			continue
		}
		align := max(segment.Align, 1)
		end := (segment.Memsz + align - 1) / align * align
		if end == 8 {
			return true
		}
		return tlsSymbol(binary)+8 == end
	}
	return true // no segment: the runtime makes its own
}

// symbolLimit bounds the symbol table that is read for one symbol.
const symbolLimit = 64 << 20

// tlsSymbol returns the offset of runtime.tlsg in the thread-local segment, or
// what no offset can be.
func tlsSymbol(binary *elf.File) uint64 {
	const none = 1 << 63
	table := binary.SectionByType(elf.SHT_SYMTAB)
	if table == nil || table.Size > symbolLimit {
		return none
	}
	symbols, err := binary.Symbols()
	if err != nil {
		return none
	}
	for i := range symbols {
		if symbols[i].Name == "runtime.tlsg" && elf.ST_TYPE(symbols[i].Info) == elf.STT_TLS {
			return symbols[i].Value
		}
	}
	return none
}
