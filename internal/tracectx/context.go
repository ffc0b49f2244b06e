package tracectx

import (
	"encoding/hex"
	"errors"
)

// Errors of parsers.
var (
	// ErrNone says that there is no context, which is the usual case.
	ErrNone = errors.New("no trace context")
	// ErrMalformed says that a value breaks the specification of its format.
	ErrMalformed = errors.New("malformed trace context")
)

// Format is a way to write a trace context on the wire. Its text form is what
// evidence.context and the configuration call it. Smaller ones come first where
// two decide differently.
type Format uint8

// Formats that are understood. Those that load balancers add on their own come
// last: they begin a trace where the program's own had begun before.
const (
	Unknown  Format = iota
	W3C             // traceparent, tracestate
	B3              // b3, X-B3-*: Zipkin
	Jaeger          // uber-trace-id
	Datadog         // x-datadog-*
	OTTracer        // ot-tracer-*: OpenTracing
	SW8             // sw8: SkyWalking 8
	SW6             // sw6: SkyWalking 6
	Pinpoint        // Pinpoint-*
	SOFA            // SOFA-*, rpc_trace_context.*, new_rpc_trace_context: SOFATracer
	EagleEye        // EagleEye-*
	Custom          // headers that the configuration names
	XRay            // X-Amzn-Trace-Id
	Google          // X-Cloud-Trace-Context
	numFormats
)

// format says how to find and read one kind of context.
type format struct {
	name    string
	headers []header
	extract func(*Reader) (Context, error)
	foreign bool // its spans never arrive under the ids that they have here
}

// formats is the registry.
var formats = [numFormats]format{
	Unknown:  {name: "unknown"},
	W3C:      {name: "w3c", headers: []header{traceparent, tracestate}, extract: extractW3C},
	B3:       {name: "b3", headers: []header{b3, b3TraceID, b3SpanID, b3ParentID, b3Sampled, b3Flags}, extract: extractB3},
	Jaeger:   {name: "jaeger", headers: []header{uberTraceID}, extract: extractJaeger},
	Datadog:  {name: "datadog", headers: []header{datadogTraceID, datadogParentID, datadogPriority, datadogTags}, extract: extractDatadog},
	OTTracer: {name: "ottracer", headers: []header{otTraceID, otSpanID, otSampled}, extract: extractOTTracer},
	SW8:      {name: "sw8", headers: []header{sw8}, extract: extractSW8, foreign: true},
	SW6:      {name: "sw6", headers: []header{sw6}, extract: extractSW6, foreign: true},
	Pinpoint: {name: "pinpoint", headers: []header{pinpointTraceID, pinpointSpanID, pinpointParentID, pinpointSampled}, extract: extractPinpoint, foreign: true},
	SOFA: {name: "sofa", headers: []header{
		sofaTraceID, sofaRPCID, sofaOldTraceID, sofaOldRPCID, sofaContext, b3TraceID, b3SpanID, b3ParentID, b3Sampled,
	}, extract: extractSOFA, foreign: true},
	EagleEye: {name: "eagleeye", headers: []header{eagleTraceID, eagleRPCID}, extract: extractEagleEye, foreign: true},
	Custom:   {name: "custom", headers: []header{customTraceID, customSpanID, customParentID, customSampled}, extract: extractCustom},
	XRay:     {name: "xray", headers: []header{amznTraceID}, extract: extractXRay},
	Google:   {name: "google", headers: []header{cloudTrace}, extract: extractGoogle},
}

// Context is a trace context in canonical form. The zero value is none.
type Context struct {
	TraceID [16]byte
	// SpanID is the caller's span, the parent of what the request causes; zero if
	// the context names none.
	SpanID [8]byte
	// ParentID is the parent of that span; zero unless the context names it.
	ParentID [8]byte
	Flags    byte // of W3C: 1 sampled, 2 random trace id
	Format   Format
	// RawTrace and RawSpan are the ids as they were written, empty if that is how
	// they are written here: in lower-case hexadecimal of full length. Printable
	// ASCII, at most 128 bytes.
	RawTrace, RawSpan string
	// State is the tracestate of W3C, empty if there was none or it was malformed.
	State string
}

// FlagSampled is the bit of Flags that says that the caller records this trace.
const FlagSampled = 1

// Valid reports whether there is a trace id.
func (c *Context) Valid() bool { return c.TraceID != [16]byte{} }

// Sampled reports whether the caller says that it records this trace.
func (c *Context) Sampled() bool { return c.Flags&FlagSampled != 0 }

// Foreign reports whether SpanID was made up here, for a span that exists in
// another system alone.
func (c *Context) Foreign() bool {
	return int(c.Format) < len(formats) && (formats[c.Format].foreign || c.Format == Custom && c.RawSpan != "")
}

// WrittenTrace is the trace id as the other system writes it.
func (c *Context) WrittenTrace() string {
	if c.RawTrace != "" {
		return c.RawTrace
	}
	return hex.EncodeToString(c.TraceID[:])
}

// WrittenSpan is the span id as the other system writes it, empty if there is none.
func (c *Context) WrittenSpan() string {
	switch {
	case c.RawSpan != "":
		return c.RawSpan
	case c.SpanID == [8]byte{}:
		return ""
	}
	return hex.EncodeToString(c.SpanID[:])
}

// setTrace takes the trace id as it was written.
func (c *Context) setTrace(id [16]byte, raw string) {
	c.TraceID = id
	if !isHexOf(raw, id[:]) {
		c.RawTrace = raw
	}
}

// setSpan takes the span id as it was written.
func (c *Context) setSpan(id [8]byte, raw string) {
	c.SpanID = id
	if id != [8]byte{} && !isHexOf(raw, id[:]) {
		c.RawSpan = raw
	}
}

// sampled sets the flag.
func (c *Context) sampled(yes bool) {
	if yes {
		c.Flags = FlagSampled
	}
}

// String is the name of the format.
func (f Format) String() string {
	if f < numFormats {
		return formats[f].name
	}
	return formats[Unknown].name
}

// Formats returns every format, in order of precedence. The caller owns the slice.
func Formats() []Format {
	list := make([]Format, 0, numFormats-1)
	for f := Unknown + 1; f < numFormats; f++ {
		list = append(list, f)
	}
	return list
}

// FormatOf returns the format of this name, or Unknown.
func FormatOf(name string) Format {
	for f := Unknown + 1; f < numFormats; f++ {
		if formats[f].name == name {
			return f
		}
	}
	return Unknown
}
