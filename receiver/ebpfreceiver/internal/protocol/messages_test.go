package protocol

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAMessageComesBackEmpty(t *testing.T) {
	var pool Messages
	m := pool.New(Request)
	assert.Equal(t, &Message{Kind: Request, Attributes: []Attribute{}}, m)
	m.Name, m.ID, m.OneWay, m.StatusText = "GET", 7, true, "x"
	m.Headers = []Header{{"a", "b"}}
	m.Attributes = append(m.Attributes, String("url.path", "/"), Int("n", 1))
	before := m.Attributes
	pool.Free(m)
	again := pool.New(Response)
	assert.Same(t, m, again)
	assert.Equal(t, &Message{Kind: Response, Attributes: []Attribute{}}, again)
	assert.Equal(t, []Attribute{{}, {}}, before, "what it held is let go")
	assert.NotSame(t, again, pool.New(Response))
}

func TestWithoutAPoolMessagesAreNew(t *testing.T) {
	var none *Messages
	m := none.New(Request)
	none.Free(m)
	assert.Equal(t, Request, m.Kind, "not touched")
	assert.NotSame(t, m, none.New(Request))
}

func TestMessagesAreNotHoarded(t *testing.T) {
	var pool Messages
	pool.Free(nil)
	pool.Free(&Message{Attributes: make([]Attribute, 0, keepAttributes+1)})
	assert.Empty(t, pool.free)
	for range keepMessages + 1 {
		pool.Free(&Message{})
	}
	assert.Len(t, pool.free, keepMessages)
}

func BenchmarkMessages(b *testing.B) {
	for name, pool := range map[string]*Messages{"recycled": {}, "new": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := pool.New(Request)
				m.Attributes = append(m.Attributes, String("url.path", "/"))
				pool.Free(m)
			}
		})
	}
}
