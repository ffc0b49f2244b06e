package target

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// own is a Collector whose sockets the test says.
type own struct {
	lock    sync.Mutex
	sockets []ownSocket
	err     error
	looks   int
}

// become changes what its sockets are.
func (o *own) become(err error, sockets ...ownSocket) {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.sockets, o.err = sockets, err
}

func (o *own) peers(t *testing.T) *OwnPeers {
	t.Helper()
	peers, err := newOwnPeers(7, func() ([]ownSocket, error) {
		o.lock.Lock()
		defer o.lock.Unlock()
		o.looks++
		return o.sockets, o.err
	}, func() ([]net.Addr, error) {
		_, network, err := net.ParseCIDR("10.0.0.0/8")
		network.IP = net.ParseIP("10.0.0.5")
		return []net.Addr{network, &net.UnixAddr{Name: "x"}}, err
	})
	require.NoError(t, err)
	return peers
}

func at(text string) netip.AddrPort {
	if text == "" {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(text)
}

func TestOwnPeersKnowsTheOtherEnd(t *testing.T) {
	collector := &own{sockets: []ownSocket{
		{at("127.0.0.1:50000"), at("127.0.0.1:4317")}, // its exporter to a backend here
		{at("10.0.0.5:50001"), at("10.0.0.9:4317")},   // to one elsewhere
		{at("127.0.0.1:4318"), at("127.0.0.1:60000")}, // a receiver that somebody sends to
		{at("127.0.0.1:8888"), netip.AddrPort{}},      // listens at one address
		{at("[::]:4318"), netip.AddrPort{}},           // listens at every address
		{at("[2001:db8::5]:50002"), at("[2001:db8::9]:4317")},
	}}
	peers := collector.peers(t)
	for title, test := range map[string]struct {
		netns         uint32
		local, remote string
		want          bool
	}{
		"a backend that gets from the exporter":  {7, "127.0.0.1:4317", "127.0.0.1:50000", true},
		"another connection of the backend":      {7, "127.0.0.1:4317", "127.0.0.1:50009", false},
		"the exporter's own end is not asked":    {7, "127.0.0.1:50000", "127.0.0.1:4317", false},
		"another namespace's loopback":           {8, "127.0.0.1:4317", "127.0.0.1:50000", false},
		"a container's backend":                  {8, "10.0.0.9:4317", "10.0.0.5:50001", true},
		"IPv6":                                   {8, "[2001:db8::9]:4317", "[2001:db8::5]:50002", true},
		"who sends to the receiver":              {7, "127.0.0.1:60000", "127.0.0.1:4318", true},
		"who is about to send to the receiver":   {7, "127.0.0.1:61000", "127.0.0.1:4318", true},
		"by the address of the machine":          {7, "10.0.0.5:61000", "10.0.0.5:4318", true},
		"by another address of the machine":      {7, "127.0.0.1:61000", "10.0.0.5:4318", true},
		"to the same port of another machine":    {7, "10.0.0.5:61000", "10.0.0.9:4318", false},
		"from another namespace":                 {8, "10.0.0.7:61000", "10.0.0.9:4318", false},
		"to the one address that is listened on": {7, "127.0.0.1:61000", "127.0.0.1:8888", true},
		"to another address of that port":        {7, "10.0.0.5:61000", "10.0.0.5:8888", false},
		"a server on a port of its own":          {7, "127.0.0.1:61000", "127.0.0.1:80", false},
	} {
		t.Run(title, func(t *testing.T) {
			assert.Equal(t, test.want, peers.Contains(test.netns, at(test.local), at(test.remote)))
		})
	}
}

func TestOwnPeersLooksWhenAskedAboutANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		collector := &own{}
		peers := collector.peers(t)
		backend, exporter := at("127.0.0.1:4317"), at("127.0.0.1:50000")
		collector.become(nil, ownSocket{exporter, backend})
		assert.False(t, peers.Contains(7, backend, exporter))
		assert.False(t, peers.Resolve(7, backend, exporter), "not so soon after the last look")
		time.Sleep(ownMinAge)
		assert.True(t, peers.Resolve(7, backend, exporter))
		looks := collector.looks
		assert.True(t, peers.Resolve(7, backend, exporter))
		assert.Equal(t, looks, collector.looks, "what is known needs no look")
		time.Sleep(ownMinAge)
		for range 100 {
			assert.False(t, peers.Resolve(7, backend, at("127.0.0.1:1")))
		}
		assert.Equal(t, looks+1, collector.looks, "however many are not known")
	})
}

func TestOwnPeersRemembersClosedConnectionsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend, exporter := at("127.0.0.1:4317"), at("127.0.0.1:50000")
		collector := &own{sockets: []ownSocket{{exporter, backend}}}
		peers := collector.peers(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			peers.Run(ctx, 3*time.Second)
			close(done)
		}()
		collector.become(nil)
		time.Sleep(ownGrace - time.Second)
		assert.True(t, peers.Contains(7, backend, exporter))
		collector.become(errors.New("no descriptors"))
		time.Sleep(10 * time.Second)
		assert.True(t, peers.Contains(7, backend, exporter), "nothing new is known")
		collector.become(nil)
		time.Sleep(5 * time.Second)
		assert.False(t, peers.Contains(7, backend, exporter))
		cancel()
		<-done
	})
}

func TestOwnPeersIsBounded(t *testing.T) {
	collector := &own{}
	for i := range ownLimit + 5 {
		addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		collector.sockets = append(collector.sockets, ownSocket{netip.AddrPortFrom(addr, uint16(1+i>>16)), at("10.0.0.9:4317")})
	}
	peers := collector.peers(t)
	assert.Len(t, peers.known.Load().connections, ownLimit)
	assert.Equal(t, uint64(5), peers.Dropped())
}

func TestNewOwnPeersSaysThatItCannotLook(t *testing.T) {
	_, err := newOwnPeers(7, func() ([]ownSocket, error) { return nil, errors.New("no descriptors") }, net.InterfaceAddrs)
	assert.EqualError(t, err, "no descriptors")
}
