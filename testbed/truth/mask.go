package truth

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Mask overwrites every token in b with the zero token, in place, and returns
// how many there were. Tokens have one width, so b may be anything that frames
// its content by length: a protobuf message, JSON, a capture.
func Mask(b []byte) int {
	zero := Token(0).Append(nil)
	for n := 0; ; n++ {
		_, at := Find(b)
		if at < 0 {
			return n
		}
		copy(b[at:], zero)
		b = b[at+Width:]
	}
}

// MaskTraces returns td with every token overwritten, wherever it stands, and
// how many there were. td itself is unchanged.
func MaskTraces(td ptrace.Traces) (ptrace.Traces, int, error) {
	wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	if err != nil {
		return ptrace.Traces{}, 0, fmt.Errorf("encode recording: %w", err)
	}
	n := Mask(wire)
	masked, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
	if err != nil {
		return ptrace.Traces{}, 0, fmt.Errorf("decode masked recording: %w", err)
	}
	return masked, n, nil
}
