package join

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatHasNotComeUpForLongMakesRoomInAFullTable(t *testing.T) {
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for name, tt := range map[string]struct {
		limit int
		use   func(a *Assembler, i int)
		size  func(a *Assembler) int
		count func(a *Assembler) *int
	}{
		"hosts": {
			maxHosts, func(a *Assembler, i int) { a.hostOf(NewProcess(address(i).String())) },
			func(a *Assembler) int { return len(a.hosts) - shared(a) }, func(a *Assembler) *int { return &a.Counts.Hosts },
		},
		"callers": {
			maxCallers, func(a *Assembler, i int) { a.meet(address(i)) },
			func(a *Assembler) int { return len(a.callers) }, func(a *Assembler) *int { return &a.Counts.Callers },
		},
		"listeners": {
			maxListeners, func(a *Assembler, i int) { a.listener(place{at: netip.AddrPortFrom(address(i), 80)}) },
			func(a *Assembler) int { return len(a.listeners) }, func(a *Assembler) *int { return &a.Counts.Listeners },
		},
		"clocks": {
			maxClocks, func(a *Assembler, i int) {
				p := hostPair{0, uint64(i)}
				if a.clocks[p] != nil || a.roomForClock() {
					a.clocks[p] = &clock{used: a.now}
				}
			},
			func(a *Assembler) int { return len(a.clocks) }, func(a *Assembler) *int { return &a.Counts.Clocks },
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Config{}, nil)
			a.now = 1
			for i := range tt.limit {
				tt.use(a, i)
			}
			assert.Zero(t, *tt.count(a))
			tt.use(a, tt.limit)
			assert.Equal(t, 1, *tt.count(a), "refused")
			a.now += idle
			for i := range tt.limit / 2 {
				tt.use(a, i)
			}
			a.now += 2
			tt.use(a, tt.limit)
			assert.Equal(t, tt.limit/2+1, tt.size(a), "and the new one")
			assert.Equal(t, 1+tt.limit/2, *tt.count(a), "what made room is counted")
			a.now += idle
			for i := range tt.limit {
				tt.use(a, i)
			}
			assert.Equal(t, tt.limit, tt.size(a))
			assert.Equal(t, 1+tt.limit/2+1, *tt.count(a), "the one that was not in use")
		})
	}
}

// shared is 1 if there is a host for those that find no room.
func shared(a *Assembler) int {
	if a.hosts[""] != nil {
		return 1
	}
	return 0
}

func TestAHostThatMadeRoomIsAnotherOneWhenItComesBack(t *testing.T) {
	a := New(Config{}, nil)
	p := NewProcess("old")
	old := a.hostOf(p)
	for i := range maxHosts - 1 {
		a.hostOf(NewProcess(string(rune(1000 + i))))
	}
	a.now = 2 * idle
	a.hostOf(NewProcess("new"))
	assert.Len(t, a.hosts, 1)
	back := a.hostOf(p)
	assert.NotEqual(t, old.id, back.id)
	assert.Same(t, back, a.hostOf(NewProcess("old")))
}

func TestAnAddressForWhichCallsWaitStays(t *testing.T) {
	a := New(Config{}, nil)
	for i := range maxListeners {
		a.listeners[place{scope: uint64(i)}] = &listener{}
	}
	a.listeners[place{}].waiting = []*Span{{}}
	a.now = 2 * idle
	assert.True(t, a.roomForListener())
	assert.Len(t, a.listeners, 1)
	assert.NotNil(t, a.listeners[place{}])
}
