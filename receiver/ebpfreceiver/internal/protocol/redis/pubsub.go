package redis

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// subscription is what a connection can be subscribed to. Channels and patterns
// share one count in confirmations, shard channels have their own.
type subscription uint8

const (
	channels subscription = iota
	patterns
	shards
)

// pubsub counts the subscriptions of a connection as far as their confirmations
// were seen.
type pubsub struct {
	active [3]int64 // by subscription
	total  int64    // of channels and patterns, as last confirmed
}

// endReply ends the reply under way and returns its message; nil if it is one of
// several confirmations and not the last.
func (p *Parser) endReply() *protocol.Message {
	r := &p.reply
	m := p.options.Messages.New(protocol.Response)
	class, kind, isConfirmation := r.confirmation()
	e := p.waiting.front()
	switch {
	case isConfirmation && e != nil && e.class == class && e.kind == kind:
		p.pubsub.confirm(class, kind, r.third)
		if !p.confirmed(e) {
			m = nil
		}
	case r.kind == '>', p.isPublished(e), r.line && (p.monitor || e == nil):
		m.Kind = protocol.Ignored
		if isConfirmation {
			p.pubsub.confirm(class, kind, r.third)
		}
	default:
		p.answer(m, e)
	}
	*r = reply{}
	return m
}

// cutReply ends the reply under way where it stands.
func (p *Parser) cutReply() *protocol.Message {
	defer func() { p.reply = reply{} }()
	switch p.reply.kind {
	case 0:
		return nil
	case '>':
		return &protocol.Message{Kind: protocol.Ignored}
	}
	m := p.options.Messages.New(protocol.Response)
	p.answer(m, p.waiting.front())
	return m
}

// answer fills in the reply to request e, which may be nil.
func (p *Parser) answer(m *protocol.Message, e *entry) {
	r := &p.reply
	failed := r.kind == '-' || r.kind == '!'
	if e != nil {
		failed = failed || e.class == transaction && r.code != ""
		p.accepted(e.class, failed)
		p.waiting.pop()
	}
	if !failed {
		return
	}
	m.Status, m.StatusText = protocol.StatusError, r.text
	if r.code != noCode {
		m.Attributes = append(m.Attributes, protocol.String("db.response.status_code", r.code))
	}
	m.Attributes = append(m.Attributes, protocol.String("error.type", r.code))
}

// accepted changes the state of the connection as the server has by now.
func (p *Parser) accepted(c class, failed bool) {
	switch {
	case c == selection && failed:
		p.namespace = "" // which it was is not known any more
	case failed:
	case c == monitor:
		p.monitor = true
	case c == reset:
		p.monitor, p.pubsub = false, pubsub{}
		p.replies, p.namespace = replyOn, "0"
	}
}

// confirmation reads the first element of a reply to SUBSCRIBE and the like.
func (r *reply) confirmation() (class, subscription, bool) {
	if r.kind != '*' && r.kind != '>' || r.size != 3 {
		return plain, channels, false
	}
	switch string(r.first[:r.firstLen]) {
	case "subscribe":
		return subscribe, channels, true
	case "psubscribe":
		return subscribe, patterns, true
	case "ssubscribe":
		return subscribe, shards, true
	case "unsubscribe":
		return unsubscribe, channels, true
	case "punsubscribe":
		return unsubscribe, patterns, true
	case "sunsubscribe":
		return unsubscribe, shards, true
	}
	return plain, channels, false
}

// confirmed counts a confirmation of request e and reports whether it was the
// last. UNSUBSCRIBE without arguments ends all subscriptions of its kind; with
// none there is still one confirmation.
func (p *Parser) confirmed(e *entry) bool {
	e.count--
	if e.count > 0 || e.count < 0 && p.pubsub.active[e.kind] > 0 {
		return false
	}
	p.waiting.pop()
	return true
}

// confirm follows the number of subscriptions.
func (s *pubsub) confirm(c class, kind subscription, total int64) {
	switch {
	case kind == shards:
		s.active[shards] = total
		return
	case c == subscribe && total > s.total:
		s.active[kind]++
	case c == unsubscribe && s.active[kind] > 0:
		s.active[kind]--
	}
	s.total = total
}

// isPublished reports whether a reply in RESP2 is a published message: on a
// connection with subscriptions, or on one that has asked for nothing.
func (p *Parser) isPublished(e *entry) bool {
	r := &p.reply
	if r.kind != '*' || e != nil && p.pubsub.total == 0 && p.pubsub.active[shards] == 0 {
		return false
	}
	switch string(r.first[:r.firstLen]) {
	case "message", "smessage":
		return r.size == 3
	case "pmessage":
		return r.size == 4
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe":
		return r.size == 3 && e == nil
	}
	return false
}
