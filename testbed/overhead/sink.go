package overhead

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
)

// newSink returns the address of an OTLP/HTTP backend that reads what it is sent
// and forgets it, still compressed: its work is not the Collector's.
func newSink() (address string, stop func()) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // an error is the sender's to see
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	return s.Listener.Addr().String(), s.Close
}

// freeAddress returns an address of the loopback that nothing listened on a
// moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
