package gooffsets

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
)

// dwarfLimit bounds the debug information of a program that is held in memory
// while it is searched, uncompressed.
const dwarfLimit = 64 << 20

// errNoDebug says that there is no debug information that can be used.
var errNoDebug = errors.New("no debug information")

// ReadDWARF returns the offsets that the debug information of a Go program
// tells; an error if it does not.
func ReadDWARF(binary *elf.File) (Offsets, error) {
	data, err := loadDWARF(binary)
	if err != nil {
		return Offsets{}, err
	}
	reader := data.Reader()
	for {
		entry, err := reader.Next()
		if entry == nil || err != nil {
			return Offsets{}, errors.Join(errNoDebug, err)
		}
		name := entry.Val(dwarf.AttrName)
		switch {
		case entry.Tag == dwarf.TagCompileUnit && name == "runtime":
			continue // into it; its assembly has a unit of the same name
		case entry.Tag == dwarf.TagStructType && name == "runtime.g" && entry.Children:
			return readFields(reader)
		}
		reader.SkipChildren()
	}
}

func readDWARF(binary *elf.File) (Offsets, bool) {
	offsets, err := ReadDWARF(binary)
	return offsets, err == nil
}

// loadDWARF reads only the sections that types need: not the line tables and
// locations, which are most of it.
func loadDWARF(binary *elf.File) (*dwarf.Data, error) {
	section := func(name string) []byte {
		s := binary.Section(name)
		if s == nil || s.Size > dwarfLimit {
			return nil
		}
		data, err := s.Data()
		if err != nil {
			return nil
		}
		return data
	}
	abbrev, info := section(".debug_abbrev"), section(".debug_info")
	if abbrev == nil || info == nil {
		return nil, errNoDebug
	}
	data, err := dwarf.New(abbrev, nil, nil, info, nil, nil, nil, section(".debug_str"))
	if err != nil {
		return nil, err
	}
	for _, name := range [...]string{".debug_addr", ".debug_str_offsets", ".debug_line_str"} {
		if contents := section(name); contents != nil {
			if err := data.AddSection(name, contents); err != nil {
				return nil, err
			}
		}
	}
	return data, nil
}

func readFields(reader *dwarf.Reader) (Offsets, error) {
	var found Offsets
	for {
		field, err := reader.Next()
		if field == nil || err != nil || field.Tag == 0 {
			break
		}
		offset, ok := field.Val(dwarf.AttrDataMemberLoc).(int64)
		if ok && field.Tag == dwarf.TagMember && offset > 0 && offset < 1<<16 {
			switch field.Val(dwarf.AttrName) {
			case "goid":
				found.Goid = uint32(offset)
			case "parentGoid":
				found.ParentGoid = uint32(offset)
			}
		}
		reader.SkipChildren()
	}
	if found.Goid == 0 {
		return Offsets{}, errNoDebug
	}
	return found, nil
}
