package join

// position is a TCP position as it is looked up: first byte and length of a request.
type position uint64

func positionOf(s *Span) position { return position(uint64(s.Seq)<<32 | uint64(s.Len)) }

// maxAlike bounds how many spans at one position are looked at.
const maxAlike = 64

// connectAlike looks for the other end of a connection whose addresses were
// translated on the way: request and reply have the same positions and lengths on
// both sides, which are 64 random bits. There must be just one such span.
func (a *Assembler) connectAlike(s *Span) {
	if s.joined || s.ReplyLen == 0 || s.Local.Addr().IsLoopback() || a.config.Exact {
		return
	}
	switch other, n := a.findAlike(s); {
	case n > 1:
		a.Counts.Rejected[Ambiguous]++
	case n == 1:
		client, server := ends(s, other)
		a.join(client, server, MethodNAT)
	}
	if !s.joined {
		a.list(s)
	}
}

// findAlike returns a span that may be the other end of s, and how many there are. Of
// several those count whose times fit.
func (a *Assembler) findAlike(s *Span) (found *Span, n int) {
	steps, fitting := 0, 0
	var fits *Span
	for other := a.alike[positionOf(s)]; other != nil && steps < maxAlike; other = other.alike {
		steps++
		client, server := ends(s, other)
		if !samePositions(client, server) {
			continue
		}
		found = other
		n++
		if a.plausible(client, server) {
			fits = other
			fitting++
		}
	}
	if n > 1 && fitting == 1 {
		return fits, 1
	}
	return found, n
}

// samePositions reports whether two spans are a call and its serving, each with the
// same bytes, the serving within the call.
func samePositions(client, server *Span) bool {
	return client.Server != server.Server && !client.joined && !server.joined &&
		client.ReplySeq == server.ReplySeq && client.ReplyLen == server.ReplyLen &&
		server.End-server.Start <= client.End-client.Start+clockSlack
}

// plausible reports whether the times of two ends fit, as far as is known of the
// clocks.
func (a *Assembler) plausible(client, server *Span) bool {
	offset, doubt, known := a.skew(client.Process.host, server.Process.host)
	return !known || within(client, server, offset, doubt+clockSlack)
}

func (a *Assembler) list(s *Span) {
	p := positionOf(s)
	s.alike, s.listed = a.alike[p], true
	a.alike[p] = s
}

func (a *Assembler) unlist(s *Span) {
	if !s.listed {
		return
	}
	p := positionOf(s)
	first := a.alike[p]
	at := &first
	for *at != s {
		at = &(*at).alike
	}
	*at = s.alike
	s.alike, s.listed = nil, false
	if first == nil {
		delete(a.alike, p)
	} else {
		a.alike[p] = first
	}
}
