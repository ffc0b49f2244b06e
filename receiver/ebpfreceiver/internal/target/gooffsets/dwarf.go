package gooffsets

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
)

// dwarfLimit bounds the debug information of a program that is held in memory
// while it is searched, uncompressed.
const dwarfLimit = 64 << 20

// errNoDebug says that there is no debug information that can be used.
var errNoDebug = errors.New("no debug information")

// ReadDWARF returns the offsets that the debug information of a Go program
// tells; an error if it does not.
func ReadDWARF(file *elf.File) (Offsets, error) {
	data, info, err := loadDWARF(file)
	if err != nil {
		return Offsets{}, err
	}
	reader := data.Reader()
	for unit, ok := firstUnit(info, file.ByteOrder); ok; unit, ok = unit.next() {
		reader.Seek(unit.entry())
		entry, err := reader.Next()
		if entry == nil || err != nil {
			return Offsets{}, errors.Join(errNoDebug, err)
		}
		if entry.Tag != dwarf.TagCompileUnit || entry.Val(dwarf.AttrName) != "runtime" || !entry.Children {
			continue
		}
		found, err := readUnit(reader) // the assembly of runtime is another unit of that name
		if found.Goid != 0 || err != nil {
			return found, err
		}
	}
	return Offsets{}, errNoDebug
}

// unit is a compilation unit in the section .debug_info (DWARF 5, 7.5.1). The
// reader of debug/dwarf goes through all that is in one to get to the next.
type unit struct {
	info   []byte
	order  binary.ByteOrder
	offset uint64
}

func firstUnit(info []byte, order binary.ByteOrder) (unit, bool) {
	u := unit{info: info, order: order}
	return u, u.offset+16 <= uint64(len(info))
}

// next returns false after the last unit, and where a length makes no sense.
func (u unit) next() (unit, bool) {
	length := uint64(u.order.Uint32(u.info[u.offset:]))
	if length >= 0xfffffff0 {
		return unit{}, false // 64-bit DWARF, which Go never writes
	}
	u.offset += 4 + length
	return u, length > 0 && u.offset+16 <= uint64(len(u.info))
}

// entry returns the offset of the first entry, behind the header.
func (u unit) entry() dwarf.Offset {
	if u.order.Uint16(u.info[u.offset+4:]) >= 5 {
		return dwarf.Offset(u.offset + 12)
	}
	return dwarf.Offset(u.offset + 11)
}

// readUnit searches the top level of a unit for runtime.g.
func readUnit(reader *dwarf.Reader) (Offsets, error) {
	for {
		entry, err := reader.Next()
		if entry == nil || err != nil || entry.Tag == 0 {
			return Offsets{}, err
		}
		if entry.Tag == dwarf.TagStructType && entry.Val(dwarf.AttrName) == "runtime.g" && entry.Children {
			return readFields(reader)
		}
		reader.SkipChildren()
	}
}

func readDWARF(file *elf.File) (Offsets, bool) {
	offsets, err := ReadDWARF(file)
	return offsets, err == nil
}

// loadDWARF reads only the sections that types need: not the line tables and
// locations, which are most of it.
func loadDWARF(file *elf.File) (*dwarf.Data, []byte, error) {
	section := func(name string) []byte {
		s := file.Section(name)
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
		return nil, nil, errNoDebug
	}
	data, err := dwarf.New(abbrev, nil, nil, info, nil, nil, nil, section(".debug_str"))
	if err != nil {
		return nil, nil, err
	}
	for _, name := range [...]string{".debug_addr", ".debug_str_offsets", ".debug_line_str"} {
		if contents := section(name); contents != nil {
			if err := data.AddSection(name, contents); err != nil {
				return nil, nil, err
			}
		}
	}
	return data, info, nil
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
