package sqltext

import (
	"bytes"
	"net/url"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds of the tags of one statement.
const (
	maxTags  = 8
	maxValue = 1024
)

// appendTags appends the wanted key='value' pairs of a comment. Keys and values
// are URL-encoded, quotes in values are escaped with a backslash.
func appendTags(tags []Tag, comment []byte, wanted []string) []Tag {
	for len(comment) > 0 && len(tags) < maxTags {
		pair := comment
		if i := bytes.Index(comment, []byte("',")); i >= 0 {
			pair, comment = comment[:i+1], comment[i+2:]
		} else {
			comment = nil
		}
		if t, ok := parseTag(pair, wanted); ok {
			tags = append(tags, t)
		}
	}
	return tags
}

func parseTag(pair []byte, wanted []string) (Tag, bool) {
	key, value, ok := bytes.Cut(bytes.TrimSpace(pair), []byte("='"))
	if !ok || len(value) == 0 || value[len(value)-1] != '\'' {
		return Tag{}, false
	}
	for _, name := range wanted {
		if string(key) != name {
			continue
		}
		text, err := url.PathUnescape(string(value[:len(value)-1]))
		return Tag{Key: name, Value: protocol.Text([]byte(text), maxValue)}, err == nil
	}
	return Tag{}, false
}
