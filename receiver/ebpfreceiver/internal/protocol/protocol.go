package protocol

import "errors"

// Role says which end of the connection the traced process is.
type Role uint8

// The ends of a connection.
const (
	RoleUnknown Role = iota
	RoleServer
	RoleClient
)

// Direction names a byte stream by who sends it, not by which way it crosses
// the traced process: the same parser then serves both ends.
type Direction uint8

// The two byte streams of a connection.
const (
	FromClient Direction = iota // requests
	FromServer                  // responses
)

// ErrNotThisProtocol says that the bytes cannot belong to the protocol. On the
// first messages of a connection the caller tries the next protocol.
var ErrNotThisProtocol = errors.New("bytes do not belong to this protocol")

// ErrLostFrame says that the parser no longer knows where messages begin. The
// caller drops what it holds of this direction and goes on with Resync at the
// next change of direction.
var ErrLostFrame = errors.New("lost the message boundary")

// Parser follows one connection. It is used by one goroutine at a time.
//
// # Parse
//
// The caller offers the bytes that follow the ones already consumed in
// direction dir; data is borrowed and must not be kept or changed. It calls
// again with what is left as long as a call consumed something or returned a
// message. The legal returns are
//
//	Step{}, nil                  data is too short to tell: offer it again, with
//	                             more behind it
//	Step{Consumed: n}, nil       n bytes belong to the message under way
//	Step{..., Skip: k}, nil      after them k further bytes belong to it which the
//	                             parser need not see (bodies): the caller passes
//	                             over them, captured or not
//	Step{..., Message: m}, nil   and with that (Consumed plus Skip) message m is
//	                             complete
//	Step{}, ErrNotThisProtocol   see there
//	Step{}, ErrLostFrame         see there
//	Step{Opaque: true}, nil      the protocol ends here (HTTP upgrade, TLS after
//	                             STARTTLS): the rest of both streams is opaque
//
// Data is never empty, Consumed never above len(data). A message begins at the
// first byte consumed after the message before it and has at least one byte.
// Messages and all they point to are the caller's; strings are valid UTF-8.
//
// # Gap
//
// The caller has to pass over n bytes of direction dir, counted from the last
// byte consumed or skipped, since some of them were not captured; what was
// offered of them but not consumed goes as well. A parser that can say where it
// stands behind them (in a body that ends with the connection, say) returns true;
// else false, and the caller acts as after ErrLostFrame.
//
// # Resync
//
// After a loss in direction dir the direction has changed: the other end has
// begun to send. The caller says so before it offers those bytes. The next
// bytes in direction dir, whenever they come, most likely begin a message. The
// message that was under way in dir ends with the last byte before the change;
// as far as the parser had understood it, it is returned, else nil. (A chunked
// HTTP response of which only the first kilobytes were captured ends this way
// and still has its status.)
//
// A loss FromServer may have hidden any number of responses: the requests that
// waited when it happened, but for the one that the returned message answers,
// will not be answered any more. Parser and caller both forget them.
//
// # Close
//
// The stream of direction dir has ended. The message under way is returned as by
// Resync: for an HTTP/1.0 response without a length this is the regular end.
type Parser interface {
	Parse(dir Direction, data []byte) (Step, error)
	Gap(dir Direction, n int) bool
	Resync(dir Direction) *Message
	Close(dir Direction) *Message
}

// Step is what one call of Parser.Parse did.
type Step struct {
	Consumed int
	Skip     int64
	Message  *Message
	Opaque   bool
}

// Kind is the part that a message plays in an exchange.
type Kind uint8

// Kinds of messages.
const (
	// Request opens an exchange.
	Request Kind = iota + 1
	// Response ends the exchange of the oldest request that waits for one, or of
	// the request with the same non-zero ID.
	Response
	// Ignored is well-formed but neither: 100 Continue, a Redis push, a
	// PostgreSQL notice, a start-up handshake. It opens and ends nothing; one from
	// the client and the answer to it are reported as evidence of the thread's I/O.
	Ignored
)

// Message is one request or response.
type Message struct {
	Kind Kind
	// ID pairs a response with its request on protocols that answer out of order;
	// zero pairs first in, first out.
	ID uint64
	// Name is the span name, on requests: low cardinality, by the semantic
	// conventions ("GET", "SELECT orders").
	Name string
	// Attributes follow the semantic conventions. Those of the response are added
	// to those of the request.
	Attributes []Attribute
	// Status and StatusText tell how the exchange went, on responses.
	Status     Status
	StatusText string
	// Headers holds, on requests, the headers that may carry trace context or a
	// request id, names in lower case. Whether to export is not decided here.
	Headers []Header
	// OneWay marks a request that no response will follow.
	OneWay bool
}

// Status is the outcome that a response states.
type Status uint8

// Outcomes.
const (
	// StatusUnset is success, or no statement.
	StatusUnset Status = iota
	// StatusError is a failure of the server.
	StatusError
	// StatusClientError is a failure that the server lays at the client's door
	// (HTTP 4xx): an error on the client span, none on the server span, which
	// then has no use for the error.type among the attributes either.
	StatusClientError
)

// Header is one name and value from the wire. The name is in lower case.
type Header struct{ Name, Value string }

// Options apply to every protocol.
type Options struct {
	// CaptureHeaders names, in lower case, the request headers to export as
	// http.request.header.<name>. Never set by default.
	CaptureHeaders []string
	// ContextHeaders names, in lower case, the request headers to return in
	// Message.Headers.
	ContextHeaders []string
	// RawStatements keeps literals in database statements and RawQueries keeps
	// the values in URL query strings. Both are false by default: values are
	// replaced before they leave the parser.
	RawStatements bool
	RawQueries    bool
	// MaxStatement bounds the bytes of a statement, URL or key kept in an
	// attribute. Zero means DefaultMaxStatement.
	MaxStatement int
	// Messages is where parsers take messages from; nil makes new ones. Parsers
	// that share it run in one goroutine.
	Messages *Messages
}

// DefaultMaxStatement is the value of Options.MaxStatement when it is not set.
const DefaultMaxStatement = 1024

// WithDefaults returns a copy of o with every unset bound filled in. A nil o
// stands for the zero Options.
func (o *Options) WithDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.MaxStatement <= 0 {
		c.MaxStatement = DefaultMaxStatement
	}
	return c
}

// Protocol describes one protocol: it is data, the live object is the Parser.
type Protocol struct {
	// Name is the key in the receiver's `protocols` configuration.
	Name string
	// Detect says whether the first bytes of direction dir could open this
	// protocol: Yes, No, or Unsure when data is too short.
	Detect func(dir Direction, data []byte) Verdict
	// New returns a parser for one connection. Nil options are the zero Options.
	// What they point to, but for Messages, is shared by all parsers and never
	// written.
	New func(*Options) Parser
}

// Verdict is the answer of Protocol.Detect.
type Verdict uint8

// Answers of Protocol.Detect.
const (
	No Verdict = iota
	Unsure
	Yes
)
