package evidence

import (
	"errors"
	"strconv"
	"strings"
)

// MaxHandoffs is how many handoffs ParseHandoffs takes from one message.
const MaxHandoffs = 8

// handoffText is room for what one handoff takes as text.
const handoffText = 72

// ErrHandoff says that a handoff list does not follow the grammar.
var ErrHandoff = errors.New("malformed handoff list")

var (
	kindNames = [...]string{None: "none", ServerRead: "sr", ServerWrite: "sw", ClientWrite: "cw", ClientRead: "cr", Unknown: "un"}
	edgeNames = [...]string{NoEdge: "none", Futex: "futex", FD: "fd", FDRead: "fdread", Clone: "clone", Exit: "exit"}
)

// AppendHandoffs appends the text form of hs to b. Entries are separated by a
// space, fields by a colon:
//
//	source kind : edge : source tid : source io : hops : waker tid : address (hex) : time
//
// as in "cr:futex:4711:18:0:4711:7f3c10a0:1700000000123456789".
func AppendHandoffs(b []byte, hs []Handoff) []byte {
	for i, h := range hs {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, name(kindNames[:], uint8(h.Source))...)
		b = append(b, ':')
		b = append(b, name(edgeNames[:], uint8(h.Edge))...)
		for _, v := range [...]uint32{h.SourceTID, h.SourceIO, uint32(h.Hops), h.WakerTID} {
			b = strconv.AppendUint(append(b, ':'), uint64(v), 10)
		}
		b = strconv.AppendUint(append(b, ':'), h.Address, 16)
		b = strconv.AppendInt(append(b, ':'), h.Time, 10)
	}
	return b
}

// ParseHandoffs appends the handoffs in s to hs. It stops at MaxHandoffs and at
// the first entry that breaks the grammar, which is ErrHandoff.
func ParseHandoffs(hs []Handoff, s string) ([]Handoff, error) {
	for n := 0; s != "" && n < MaxHandoffs; n++ {
		entry, rest, _ := strings.Cut(s, " ")
		h, err := parseHandoff(entry)
		if err != nil {
			return hs, err
		}
		hs, s = append(hs, h), rest
	}
	return hs, nil
}

func parseHandoff(s string) (Handoff, error) {
	var f [8]string
	for i := range f {
		var found bool
		f[i], s, found = strings.Cut(s, ":")
		if found != (i < len(f)-1) {
			return Handoff{}, ErrHandoff
		}
	}
	kind, ok1 := index(kindNames[:], f[0])
	edge, ok2 := index(edgeNames[:], f[1])
	tid, ok3 := number(f[2], 10, 32)
	io, ok4 := number(f[3], 10, 32)
	hops, ok5 := number(f[4], 10, 8)
	waker, ok6 := number(f[5], 10, 32)
	addr, ok7 := number(f[6], 16, 64)
	at, ok8 := number(f[7], 10, 63)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || !ok8 {
		return Handoff{}, ErrHandoff
	}
	return Handoff{
		Source: Kind(kind), Edge: Edge(edge), SourceTID: uint32(tid), SourceIO: uint32(io),
		Hops: uint8(hops), WakerTID: uint32(waker), Address: addr, Time: int64(at),
	}, nil
}

// number reads one of so many bits, in base 10 or 16 and without a sign. Handoffs are most of the
// text that is read: this takes a third of the time of strconv.ParseUint.
func number(s string, base uint64, bits int) (n uint64, ok bool) {
	most := 19 // digits that fit into 64 bits for certain
	if base == 16 {
		most = 16
	}
	if s == "" || len(s) > most {
		return 0, false
	}
	for i := range len(s) {
		digit := uint64(s[i] - '0')
		if letter := s[i] | ('a' - 'A'); digit > 9 {
			if base != 16 || letter < 'a' || letter > 'f' {
				return 0, false
			}
			digit = uint64(letter-'a') + 10
		}
		n = n*base + digit
	}
	return n, n>>(bits-1)>>1 == 0
}

func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return names[0]
}

func index(names []string, s string) (uint8, bool) {
	for i, n := range names {
		if n == s {
			return uint8(i), true
		}
	}
	return 0, false
}
