package truth

import (
	"errors"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// HeaderKey is the attribute of the captured request header that may carry the token.
const HeaderKey = "http.request.header.x-testbed-id"

// ErrAmbiguous says that a span carries several tokens and none in the header.
var ErrAmbiguous = errors.New("span with several tokens")

// OfSpan returns the token that span carries in any of its attributes, or zero
// if there is none. The captured header is trusted over the rest; two different
// tokens elsewhere (a pipeline, a batch) are ErrAmbiguous.
func OfSpan(span ptrace.Span) (Token, error) {
	if v, ok := span.Attributes().Get(HeaderKey); ok {
		if t := ofValue(v, nil); t != 0 {
			return t, nil
		}
	}
	var found Token
	several := false
	for _, v := range span.Attributes().All() {
		ofValue(v, func(t Token) {
			several = several || found != 0 && t != found
			found = t
		})
	}
	if several {
		return 0, ErrAmbiguous
	}
	return found, nil
}

// ofValue calls each for every token in v and returns the last one.
func ofValue(v pcommon.Value, each func(Token)) (last Token) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return inText(v.Str(), each)
	case pcommon.ValueTypeBytes:
		return inText(string(v.Bytes().AsRaw()), each)
	case pcommon.ValueTypeSlice:
		for _, item := range v.Slice().All() {
			last = max(last, ofValue(item, each))
		}
	case pcommon.ValueTypeMap:
		for _, item := range v.Map().All() {
			last = max(last, ofValue(item, each))
		}
	}
	return last
}

func inText(s string, each func(Token)) (last Token) {
	for {
		t, at := Find(s)
		if at < 0 {
			return last
		}
		if t != 0 {
			last = t
			if each != nil {
				each(t)
			}
		}
		s = s[at+Width:]
	}
}
