package stitchprocessor

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// operationKeys name what is asked for, beside the name of the span.
var operationKeys = [...]string{"url.path", "db.collection.name", "db.namespace"}

// operationOf tells spans apart by what they ask for: the name of the span, the path
// without what looks like an id, the table. It is a hash (FNV-1a); equal questions
// have equal ones.
func operationOf(span ptrace.Span) uint64 {
	h := hash(14695981039346656037, span.Name())
	for i, key := range operationKeys {
		v, ok := span.Attributes().Get(key)
		if !ok {
			continue
		}
		if text := v.Str(); i == 0 {
			h = hashPath(h, text)
		} else {
			h = hash(h, text)
		}
	}
	return h
}

// maxSegments bounds the part of a path that counts.
const maxSegments = 4

// hashPath takes the first segments of a path.
func hashPath(h uint64, path string) uint64 {
	for range maxSegments {
		path = strings.TrimPrefix(path, "/")
		if path == "" {
			break
		}
		segment, rest, _ := strings.Cut(path, "/")
		if !identifies(segment) {
			h = hash(h, segment)
		}
		h = hash(h, "/")
		path = rest
	}
	return h
}

// identifies reports whether a segment of a path looks like an id, not like a word: it
// is long, or has three digits.
func identifies(segment string) bool {
	digits := 0
	for i := range len(segment) {
		if c := segment[i]; '0' <= c && c <= '9' {
			digits++
		}
	}
	return len(segment) > 32 || digits > 2 || digits > 0 && digits == len(segment)
}

func hash(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return (h ^ 0xff) * 1099511628211
}
