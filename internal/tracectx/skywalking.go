package tracectx

import (
	"encoding/base64"
	"strings"
)

// extractSW8 reads sw8, the third version of SkyWalking's header
// (https://skywalking.apache.org/docs/main/next/en/api/x-process-propagation-headers-v3/):
// {sample}-{trace}-{segment}-{span}-{service}-{instance}-{endpoint}-{target}, where all
// but the first and the fourth are base64.
func extractSW8(r *Reader) (Context, error) {
	text, err := r.one(sw8)
	if err != nil {
		return Context{}, err
	}
	return parseSkyWalking(text, 8, 8)
}

// extractSW6 reads sw6, the second version: seven fields, of which the first four mean
// the same, and up to two more.
func extractSW6(r *Reader) (Context, error) {
	text, err := r.one(sw6)
	if err != nil {
		return Context{}, err
	}
	return parseSkyWalking(text, 7, 9)
}

// parseSkyWalking reads the fields that both versions have. A span is named by its
// number within a segment.
func parseSkyWalking(text string, least, most int) (Context, error) {
	if n := strings.Count(text, "-") + 1; n < least || n > most {
		return Context{}, ErrMalformed
	}
	sample, rest, _ := strings.Cut(text, "-")
	trace64, rest, _ := strings.Cut(rest, "-")
	segment64, rest, _ := strings.Cut(rest, "-")
	number, _, _ := strings.Cut(rest, "-")
	trace, segment := plain(trace64), plain(segment64)
	var c Context
	id, ok := MapTrace(trace)
	if n, isNumber := decimal(number); !ok || !isNumber || n > 1<<31-1 || segment == "" || sample != "0" && sample != "1" {
		return Context{}, ErrMalformed
	}
	span := segment + "/" + number
	if !isRaw(span) {
		return Context{}, ErrMalformed
	}
	c.setTrace(id, trace)
	c.setSpan(hashSpan(segment, number), span)
	c.sampled(sample == "1")
	return c, nil
}

// plain decodes base64, to nothing if it is none, or no id.
func plain(s string) string {
	const longest = (maxRaw + 2) / 3 * 4
	if len(s) > longest {
		return ""
	}
	var room [longest]byte
	n, err := base64.StdEncoding.Decode(room[:], []byte(s))
	if text := string(room[:n]); err == nil && isRaw(text) {
		return text
	}
	return ""
}
