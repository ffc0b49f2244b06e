package ebpfreceiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// TraceContextConfig says which headers of requests tell of the trace that they
// belong to.
type TraceContextConfig struct {
	// Formats are the formats of trace contexts that are read. If a request carries
	// several, the first one that names the caller's span gives trace and parent.
	// Default: all, see the README.
	Formats []string `mapstructure:"formats"`
	// Headers are those of the format "custom". Default none.
	Headers ContextHeadersConfig `mapstructure:"headers"`
	// RequestIDHeaders name the headers with an id that proxies pass on unchanged;
	// the first one that is there counts. Default x-request-id, x-correlation-id.
	RequestIDHeaders []string `mapstructure:"request_id_headers"`
}

// ContextHeadersConfig names the headers of a trace context of one's own. Ids may be
// any text.
type ContextHeadersConfig struct {
	// TraceID is the header with the id of the trace. The others need it.
	TraceID string `mapstructure:"trace_id"`
	// SpanID is the one with the id of the caller's span, ParentID with that of its
	// parent.
	SpanID   string `mapstructure:"span_id"`
	ParentID string `mapstructure:"parent_id"`
	// Sampled is the one that says 1 or true if the caller records the trace.
	Sampled string `mapstructure:"sampled"`
}

func defaultTraceContext() TraceContextConfig {
	c := TraceContextConfig{RequestIDHeaders: tracectx.DefaultOptions().RequestIDs}
	for _, f := range tracectx.Formats() {
		c.Formats = append(c.Formats, f.String())
	}
	return c
}

// Validate reports every value that cannot be used, by its key.
func (c *TraceContextConfig) Validate() (err error) {
	known := defaultTraceContext().Formats
	for i, name := range c.Formats {
		if !slices.Contains(known, name) {
			err = errors.Join(err, fmt.Errorf("formats[%d]: must be one of %s, not %q", i, strings.Join(known, ", "), name))
		} else if slices.Contains(c.Formats[:i], name) {
			err = errors.Join(err, fmt.Errorf("formats[%d]: %s is there before", i, name))
		}
	}
	if len(c.RequestIDHeaders) > tracectx.MaxRequestIDs {
		err = errors.Join(err, fmt.Errorf("request_id_headers: must be at most %d names, not %d", tracectx.MaxRequestIDs, len(c.RequestIDHeaders)))
	}
	for i, name := range c.RequestIDHeaders {
		if !isHeaderName(name) {
			err = errors.Join(err, fmt.Errorf("request_id_headers[%d]: must be the name of one header, not %q", i, name))
		}
	}
	return err
}

// Validate reports every value that cannot be used, by its key.
func (c *ContextHeadersConfig) Validate() (err error) {
	for _, h := range [...][2]string{{"trace_id", c.TraceID}, {"span_id", c.SpanID}, {"parent_id", c.ParentID}, {"sampled", c.Sampled}} {
		key, name := h[0], h[1]
		switch {
		case name == "":
		case !isHeaderName(name):
			err = errors.Join(err, fmt.Errorf("%s: must be the name of one header, not %q", key, name))
		case c.TraceID == "":
			err = errors.Join(err, fmt.Errorf("%s: needs trace_id, too", key))
		}
	}
	return err
}

// isHeaderName reports whether name can be that of one header.
func isHeaderName(name string) bool { return name != "" && !strings.ContainsAny(name, " \t:*") }

// options returns c in the form of tracectx.
func (c *TraceContextConfig) options() *tracectx.Options {
	h := &c.Headers
	o := &tracectx.Options{Custom: tracectx.CustomHeaders{
		TraceID: strings.ToLower(h.TraceID), SpanID: strings.ToLower(h.SpanID),
		ParentID: strings.ToLower(h.ParentID), Sampled: strings.ToLower(h.Sampled),
	}}
	for _, name := range c.Formats {
		o.Formats = append(o.Formats, tracectx.FormatOf(name))
	}
	for _, name := range c.RequestIDHeaders {
		o.RequestIDs = append(o.RequestIDs, strings.ToLower(name))
	}
	return o
}
