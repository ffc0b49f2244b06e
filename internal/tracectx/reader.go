package tracectx

import (
	"iter"
	"slices"
	"strings"
)

// Options say what is looked for.
type Options struct {
	// Formats to read, the first one that is there decides. See Contexts.
	Formats []Format
	// Custom are the headers of the format Custom.
	Custom CustomHeaders
	// RequestIDs are the headers, in lower case, that may hold a request id; the
	// first one that is there counts. At most MaxRequestIDs.
	RequestIDs []string
}

// CustomHeaders names, in lower case, the headers of a system of one's own. Without
// TraceID there are none; each of the others may be empty.
type CustomHeaders struct {
	TraceID, SpanID, ParentID, Sampled string
}

// MaxRequestIDs bounds Options.RequestIDs.
const MaxRequestIDs = 8

// DefaultOptions returns all formats, and the usual names of request ids.
func DefaultOptions() *Options {
	return &Options{Formats: Formats(), RequestIDs: []string{"x-request-id", "x-correlation-id"}}
}

// Found is what a request carries.
type Found struct {
	Contexts Contexts
	// RequestID is an id that stays the same from hop to hop where proxies pass it
	// on; it is no trace context. Printable ASCII without spaces, at most 128 bytes.
	RequestID string
	// Malformed says that there were headers of a context, but no valid one.
	Malformed bool
}

// Reader reads what requests carry. It has one owner at a time.
type Reader struct {
	order   []Format
	ids     int // configured headers for request ids
	slots   map[string][]header
	of      [numHeaders]uint32 // the formats that read a header, a bit each
	values  [numHeaders]value
	touched []header
}

// value is what a header said.
type value struct {
	text  string
	count int // occurrences; tracestate is one list of all
}

// NewReader returns a reader for o; nil stands for DefaultOptions. Names of headers
// beyond the bounds are ignored.
func NewReader(o *Options) *Reader {
	if o == nil {
		o = DefaultOptions()
	}
	r := &Reader{order: slices.Clone(o.Formats), slots: map[string][]header{}}
	for _, f := range r.order {
		if f >= numFormats {
			continue
		}
		for _, h := range formats[f].headers {
			r.add(o.Custom.name(h), h)
			r.of[h] |= 1 << f
		}
	}
	for i, name := range o.RequestIDs[:min(len(o.RequestIDs), MaxRequestIDs)] {
		r.add(name, requestID+header(i))
		r.ids = i + 1
	}
	return r
}

func (r *Reader) add(name string, h header) {
	if name != "" && !slices.Contains(r.slots[name], h) {
		r.slots[name] = append(r.slots[name], h)
	}
}

// name is what header h is called.
func (c *CustomHeaders) name(h header) string {
	switch h {
	case customTraceID:
		return c.TraceID
	case customSpanID:
		return c.SpanID
	case customParentID:
		return c.ParentID
	case customSampled:
		return c.Sampled
	}
	return headerNames[h]
}

// HeaderNames returns the headers that are of interest, in lower case, sorted. The
// caller owns the slice.
func (r *Reader) HeaderNames() []string {
	names := make([]string, 0, len(r.slots))
	for name := range r.slots {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Read fills found with what the headers of a request say, which are named in lower
// case and come in the order of the wire.
func (r *Reader) Read(headers iter.Seq2[string, string], found *Found) {
	*found = Found{}
	wanted := r.take(headers)
	if len(r.touched) == 0 {
		return
	}
	for _, f := range r.order {
		if wanted&(1<<f) == 0 {
			continue
		}
		c, err := formats[f].extract(r)
		switch {
		case err == nil && c.Valid():
			c.Format = f
			found.Contexts.add(&c)
		case err != ErrNone: //nolint:errorlint // parsers return the sentinels themselves
			found.Malformed = true
		}
	}
	found.Malformed = found.Malformed && found.Contexts.Len() == 0
	found.RequestID = r.requestID()
	r.forget()
}

// take notes the values, and returns the formats that they belong to.
func (r *Reader) take(headers iter.Seq2[string, string]) (wanted uint32) {
	for name, text := range headers {
		for _, h := range r.slots[name] {
			v := &r.values[h]
			v.count++
			switch {
			case v.count == 1:
				v.text = strings.Trim(text, " \t")
				r.touched = append(r.touched, h)
			case h == tracestate && len(v.text) <= maxState:
				v.text += "," + text
			}
			wanted |= r.of[h]
		}
	}
	return wanted
}

func (r *Reader) forget() {
	for _, h := range r.touched {
		r.values[h] = value{}
	}
	r.touched = r.touched[:0]
}

// one returns the value of a header that comes once. The error is ErrNone if it is
// absent, ErrMalformed if it comes again or is longer than any can be.
func (r *Reader) one(h header) (string, error) {
	switch v := &r.values[h]; {
	case v.count == 0:
		return "", ErrNone
	case v.count > 1 || len(v.text) > maxHeader:
		return "", ErrMalformed
	default:
		return v.text, nil
	}
}

// optional is one for a header that may be absent, which is the empty value.
func (r *Reader) optional(h header) (string, error) {
	if r.values[h].count == 0 {
		return "", nil
	}
	return r.one(h)
}

// maybe is one for a header that need not be there, and is ignored if it is wrong.
func (r *Reader) maybe(h header) string {
	text, _ := r.one(h)
	return text
}

// maxHeader is the longest header that is read: SkyWalking's may have 2048 bytes.
const maxHeader = 2048

// requestID returns the first request id, by the order of the configuration, that
// is there once and can be one.
func (r *Reader) requestID() string {
	for i := range r.ids {
		if text, err := r.one(requestID + header(i)); err == nil && isRaw(text) {
			return text
		}
	}
	return ""
}
