package protocol

// Bounds on what Messages keeps.
const (
	keepMessages   = 1024
	keepAttributes = 64 // of one message
)

// roomAttributes is how many attributes most messages have at most.
const roomAttributes = 10

// Messages recycles messages among the parsers of one goroutine. A nil *Messages
// makes new ones and keeps none.
type Messages struct{ free []*Message }

// New returns an empty message with room for attributes.
func (p *Messages) New(kind Kind) *Message {
	if p == nil || len(p.free) == 0 {
		m := &struct {
			Message
			room [roomAttributes]Attribute
		}{}
		m.Kind, m.Attributes = kind, m.room[:0]
		return &m.Message
	}
	last := len(p.free) - 1
	m := p.free[last]
	p.free = p.free[:last]
	m.Kind = kind
	return m
}

// Free takes a message back that nobody refers to any more. A nil message is none.
func (p *Messages) Free(m *Message) {
	if p == nil || m == nil || len(p.free) >= keepMessages || cap(m.Attributes) > keepAttributes {
		return
	}
	clear(m.Attributes)
	*m = Message{Attributes: m.Attributes[:0]}
	p.free = append(p.free, m)
}
