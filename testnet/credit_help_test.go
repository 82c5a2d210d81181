package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/ledger/signed"
	"potluck/p2p"
	"potluck/shares"
	"potluck/testnet"
)

// The stories about credit have few openings: what can be had is what was earned.
var (
	noCredit = api.Terms{RatioPPM: 1_000_000}
	plenty   = api.Terms{RatioPPM: 1_000_000, Opening: potluck.GiB}
)

// strangers are nodes that their story makes friends.
func strangers(names ...string) testnet.Local { return testnet.Local{Nodes: names, Alone: true} }

// befriend makes friends, two and two, who give each other nothing.
func befriend(ctx context.Context, pairs ...*testnet.Member) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := testnet.Grant(ctx, pairs[i], pairs[i+1], noCredit, noCredit); err != nil {
			return err
		}
	}
	return nil
}

// earn befriends two nodes, and has the second hold a file for the first. The
// result is what that is charged: what the first owes.
func earn(ctx context.Context, debtor, holder *testnet.Member) (files.PutResult, potluck.Size, error) {
	if err := testnet.Grant(ctx, debtor, holder, noCredit, plenty); err != nil {
		return files.PutResult{}, 0, err
	}
	r, err := putAt(ctx, debtor, holder, mib)
	if err != nil {
		return r, 0, err
	}
	s, err := serve(ctx, debtor, holder)
	if err == nil && s.Supply != r.Placed[0].Charge {
		err = fmt.Errorf("%s owes %s %d, and it holds %d", debtor.Label(), holder.Label(), s.Supply, r.Placed[0].Charge)
	}
	return r, s.Supply, err
}

var seeds atomic.Uint64 // every file has bytes of its own

// putAt puts a file of so many bytes in one share at one host.
func putAt(ctx context.Context, by, at *testnet.Member, size int) (files.PutResult, error) {
	return putBytes(ctx, by, randomBytes(size, 1000+seeds.Add(1)), api.PutRequest{K: 1, N: 1, Happy: 1, Hosts: []string{at.Peer().String()}})
}

// charged is the length of the longest file whose one share is charged at most so
// much.
func charged(most potluck.Size) int {
	return sort.Search(int(most), func(n int) bool {
		l, err := shares.NewLayout(1, 1, potluck.Size(n+1))
		return err != nil || shares.Charge(l) > most
	})
}

// serve gives what a peer has at a node; nothing when it isn't known there.
func serve(ctx context.Context, at, of *testnet.Member) (api.ServeView, error) {
	w, err := at.API().Why(ctx, of.Peer().String())
	if kindOf(err) == api.KindNotFound {
		return api.ServeView{}, nil
	}
	if err != nil {
		return w.Serve, fmt.Errorf("why of %s at %s: %w", of.Label(), at.Label(), err)
	}
	return w.Serve, nil
}

// becomes waits until what a peer has at a node is as it must be.
func becomes(ctx context.Context, what string, at, of *testnet.Member, ok func(api.ServeView) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var s api.ServeView
	err := testnet.Poll(ctx, func() (_ bool, err error) {
		s, err = serve(ctx, at, of)
		return ok(s), err
	})
	if err != nil {
		return fmt.Errorf("%s, of %s at %s: %w; it has %+v", what, of.Label(), at.Label(), err, s)
	}
	return nil
}

// freeIs waits until a peer could add so much at a node, and can reach it.
func freeIs(ctx context.Context, at, of *testnet.Member, want potluck.Size) error {
	err := becomes(ctx, fmt.Sprintf("%d free", want), at, of, func(s api.ServeView) bool { return s.Free == want })
	if err != nil || want == 0 {
		return err
	}
	return testnet.WaitConnected(ctx, of, at)
}

// point points all credit of a node at one host to a peer.
func point(ctx context.Context, from, to, at *testnet.Member) error {
	v, err := from.API().CreditTo(ctx, api.CreditToRequest{To: to.Peer().String(), Host: at.Peer().String()})
	if err != nil {
		return fmt.Errorf("%s points credit at %s to %s: %w", from.Label(), at.Label(), to.Label(), err)
	}
	for _, p := range v.Delivered {
		if p.Peer == at.Peer() {
			return nil
		}
	}
	return fmt.Errorf("%s isn't told of the order of %s: %+v", at.Label(), from.Label(), v)
}

// heldFrom sums what a node holds and reserves for others, by its rows.
func heldFrom(ctx context.Context, at *testnet.Member, others ...*testnet.Member) (sum potluck.Size, err error) {
	for _, o := range others {
		s, err := at.API().Shares(ctx, o.Peer().String())
		if err != nil {
			return sum, err
		}
		sum += s.Sums.IHold.Bytes + s.Sums.IHold.Reserved
	}
	return sum, nil
}

// refusedFor checks that a put was refused with a code.
func refusedFor(err error, code potluck.Code) error {
	var e *api.Error
	if !errors.As(err, &e) || e.Kind != api.KindRefused || !strings.Contains(string(e.Details), `"code":"`+string(code)+`"`) {
		return fmt.Errorf("%w; want a refusal with code %s", errors.Join(errors.New("the put wasn't refused"), err), code)
	}
	return nil
}

// liar speaks with the key of a node that was stopped, and says what it likes.
type liar struct {
	*p2p.Host
	key crypto.PrivKey
}

type openGate struct{}

func (openGate) Admits(peer.ID) bool { return true }
func (openGate) Inviting() bool      { return false }

// corrupt stops a node and has a liar take its place, connected to some others.
// It ends with stop.
func corrupt(ctx context.Context, as *testnet.Member, clerk p2p.Clerk, to ...*testnet.Member) (l liar, stop func(), err error) {
	if err := as.Stop(); err != nil {
		return l, nil, err
	}
	if l.key, err = as.Key(); err != nil {
		return l, nil, err
	}
	l.Host, err = p2p.New(p2p.Config{Key: l.key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Gate: openGate{}, Clerk: clerk})
	if err != nil {
		return l, nil, err
	}
	for _, m := range to {
		s, err := m.API().Status(ctx)
		if err == nil {
			err = l.Connect(ctx, m.Peer(), s.Addrs)
		}
		if err == nil {
			err = testnet.WaitConnected(ctx, m, as)
		}
		if err != nil {
			return l, nil, errors.Join(err, l.Close())
		}
	}
	return l, func() { l.Close() }, nil
}

// deliver hands a document to a node, and gives what became of it.
func (l liar) deliver(ctx context.Context, to *testnet.Member, d signed.Document) (uint8, error) {
	raw, err := d.Marshal()
	if err != nil {
		return 0, err
	}
	a, err := l.Deliver(ctx, to.Peer(), p2p.DeliverRequest{Documents: [][]byte{raw}})
	if err != nil {
		return 0, fmt.Errorf("deliver to %s: %w", to.Label(), err)
	}
	return a.Results[0], nil
}

// noted waits for an event of a kind about a peer.
func noted(ctx context.Context, at, about *testnet.Member, kind string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err := testnet.Poll(ctx, func() (found bool, err error) {
		err = at.API().Log(ctx, api.LogRequest{}, func(e api.Event) error {
			found = found || e.Kind == kind && e.Peer == about.Peer()
			return nil
		})
		return found, err
	})
	if err != nil {
		return fmt.Errorf("no event %q about %s at %s: %w", kind, about.Label(), at.Label(), err)
	}
	return nil
}
