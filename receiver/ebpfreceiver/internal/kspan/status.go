package kspan

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/ptrace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Values of error.type for requests without a response, beside the names of
// socket errors.
const (
	ErrorClosed  = "connection_closed"
	ErrorTimeout = "timeout"
	ErrorExited  = "process_exited"
	// ErrorAbandoned is that of a connect which the process gave up.
	ErrorAbandoned = "connect_abandoned"
)

// setStatus says how the exchange went. What the server lays at the client's door
// is an error of the client alone.
func setStatus(span ptrace.Span, a *attributes, e *conn.Exchange) {
	switch e.Outcome {
	case conn.Answered:
		m := e.ResponseMessage
		if m != nil && (m.Status == protocol.StatusError || m.Status == protocol.StatusClientError && !e.Server()) {
			setError(span, m.StatusText)
		}
	case conn.Closed:
		fail(span, a, errorName(e.Errno), "connection closed before the response")
		if e.Errno != 0 {
			a.PutBool(evidence.KeyFailed, true)
		}
	case conn.Unconnected:
		failConnect(span, a, e.Errno)
	case conn.TimedOut:
		fail(span, a, ErrorTimeout, "no response within the time limit of the receiver")
	case conn.Exited:
		fail(span, a, ErrorExited, "process exited before the response")
	}
}

func failConnect(span ptrace.Span, a *attributes, errno uint32) {
	a.PutStr(string(semconv.NetworkTransportKey), "tcp")
	a.PutBool(evidence.KeyFailed, true)
	if errno == 0 {
		fail(span, a, ErrorAbandoned, "connect given up by the process")
		return
	}
	fail(span, a, errorName(errno), "connect failed")
}

func fail(span ptrace.Span, a *attributes, errorType, text string) {
	a.PutStr(string(semconv.ErrorTypeKey), errorType)
	setError(span, text)
}

func setError(span ptrace.Span, text string) {
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Status().SetMessage(text)
}

// errorName is the symbol of an error number of Linux that a TCP socket can have.
func errorName(errno uint32) string {
	switch errno {
	case 0:
		return ErrorClosed
	case 32:
		return "EPIPE"
	case 71:
		return "EPROTO"
	case 90:
		return "EMSGSIZE"
	case 99:
		return "EADDRNOTAVAIL"
	case 100:
		return "ENETDOWN"
	case 101:
		return "ENETUNREACH"
	case 103:
		return "ECONNABORTED"
	case 104:
		return "ECONNRESET"
	case 110:
		return "ETIMEDOUT"
	case 111:
		return "ECONNREFUSED"
	case 112:
		return "EHOSTDOWN"
	case 113:
		return "EHOSTUNREACH"
	}
	return "errno_" + strconv.FormatUint(uint64(errno), 10)
}
