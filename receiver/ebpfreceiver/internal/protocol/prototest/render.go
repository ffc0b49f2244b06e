package prototest

import (
	"fmt"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Render writes records as text, one line per message and an indented one per
// attribute and header.
func Render(records []Record) string {
	var b strings.Builder
	for _, r := range records {
		if r.Message == nil {
			fmt.Fprintf(&b, "%s %s\n", sideName(r.Dir), r.Note)
			continue
		}
		fmt.Fprintf(&b, "%s %d-%d ", sideName(r.Dir), r.Start, r.End)
		renderMessage(&b, r.Message)
	}
	return b.String()
}

func renderMessage(b *strings.Builder, m *protocol.Message) {
	b.WriteString(kindName(m.Kind))
	if m.ID != 0 {
		fmt.Fprintf(b, " id=%d", m.ID)
	}
	if m.Name != "" {
		fmt.Fprintf(b, " %q", m.Name)
	}
	if m.OneWay {
		b.WriteString(" one-way")
	}
	b.WriteString(statusName(m.Status))
	if m.StatusText != "" {
		fmt.Fprintf(b, " %q", m.StatusText)
	}
	b.WriteByte('\n')
	for _, a := range m.Attributes {
		fmt.Fprintf(b, "  %s = %s\n", a.Key, value(a))
	}
	for _, h := range m.Headers {
		fmt.Fprintf(b, "  header %s: %s\n", h.Name, h.Value)
	}
}

func value(a protocol.Attribute) string {
	switch a.Value {
	case protocol.IntValue:
		return fmt.Sprint(a.Int)
	case protocol.StringsValue:
		return fmt.Sprintf("%q", a.Strs)
	default:
		return fmt.Sprintf("%q", a.Str)
	}
}

func kindName(k protocol.Kind) string {
	switch k {
	case protocol.Request:
		return "request"
	case protocol.Response:
		return "response"
	case protocol.Ignored:
		return "ignored"
	default:
		return fmt.Sprintf("kind(%d)", k)
	}
}

func statusName(s protocol.Status) string {
	switch s {
	case protocol.StatusUnset:
		return ""
	case protocol.StatusError:
		return " error"
	case protocol.StatusClientError:
		return " client-error"
	default:
		return fmt.Sprintf(" status(%d)", s)
	}
}
