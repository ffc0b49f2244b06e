package link

// shares are counts by operation. They are few: a list is faster than a map.
type shares []share

type share struct {
	operation uint64
	n         int
}

// of returns the count of an operation.
func (s shares) of(operation uint64) int {
	for i := range s {
		if s[i].operation == operation {
			return s[i].n
		}
	}
	return 0
}

// add counts an operation, if it is known or there are fewer than so many, and reports whether
// it did.
func (s *shares) add(operation uint64, most int) bool {
	for i := range *s {
		if (*s)[i].operation == operation {
			(*s)[i].n++
			return true
		}
	}
	if len(*s) == most {
		return false
	}
	*s = append(*s, share{operation, 1})
	return true
}
