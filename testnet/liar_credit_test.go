package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger/signed"
	"potluck/p2p"
	"potluck/testnet"
)

// A holder that acknowledged what it then dropped is found out when the file is
// looked for: it is owed no more, and whoever used its credit is told. What the
// debtor holds without return is what was exposed until then.
func TestHolderAcknowledgesAndDrops(t *testing.T) {
	tell(t, strangers("debtor", "earner", "x"), func(ctx context.Context, n *testnet.Net) error {
		debtor, earner, x := n.Node("debtor"), n.Node("earner"), n.Node("x")
		file, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if err := befriend(ctx, earner, x); err != nil {
			return err
		}
		if err := point(ctx, earner, x, debtor); err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, x, owed); err != nil {
			return err
		}
		data := randomBytes(charged(owed/2), 77)
		used, err := putBytes(ctx, x, data, api.PutRequest{K: 1, N: 1, Happy: 1, Hosts: []string{debtor.Peer().String()}})
		if err != nil {
			return err
		}
		n.Unknown("earner")
		if _, err := earner.API().Evict(ctx, debtor.Peer().String(), false); err != nil {
			return err
		}
		where, err := debtor.API().Where(ctx, file.Cap)
		if err != nil || where.Readable {
			return fmt.Errorf("the debtor's file is readable (%v) after it was dropped: %w", where.Readable, err)
		}
		charge := used.Placed[0].Charge
		err = becomes(ctx, "all of it short", debtor, x, func(s api.ServeView) bool { return s.Short == charge && s.Free == 0 && s.Held == charge })
		if err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, earner, 0); err != nil {
			return err
		}
		if err := noted(ctx, x, debtor, "notice"); err != nil {
			return err
		}
		_, err = getSame(ctx, x, used.Cap, data) // reads go on
		return err
	})
}

// trio is the case of CREDIT.md section 11, without the last of the four: server
// repays for owner what host holds.
type trio struct{ server, host, owner *testnet.Member }

// trioOf makes the friendships; host holds a file of owner, server works for it.
// The result is what is held.
func trioOf(ctx context.Context, n *testnet.Net) (three trio, held potluck.Size, err error) {
	three = trio{n.Node("server"), n.Node("host"), n.Node("owner")}
	if _, held, err = earn(ctx, three.owner, three.host); err != nil {
		return three, 0, err
	}
	if err := befriend(ctx, three.server, three.host, three.server, three.owner); err != nil {
		return three, 0, err
	}
	_, err = three.server.API().WorkFor(ctx, api.WorkForRequest{Peer: "owner"})
	return three, held, err
}

// agreed has the owner name the server, and waits until that owes the host.
func (three trio) agreed(ctx context.Context, held potluck.Size) error {
	if _, err := three.owner.API().RepayVia(ctx, api.RepayViaRequest{Node: "server"}); err != nil {
		return err
	}
	return becomes(ctx, "earned", three.server, three.host, func(s api.ServeView) bool { return s.Earned == held })
}

// newest is the newest statement that host and owner both signed, at one of them.
func (three trio) newest(ctx context.Context) (api.Statement, error) {
	s, err := three.owner.API().Shares(ctx, "host")
	if err != nil || len(s.Stated.HoldForMe) != 1 || s.Stated.HoldForMe[0].Signed != "both" {
		return api.Statement{}, fmt.Errorf("statements of host and owner are %+v, want one by both: %w", s.Stated.HoldForMe, err)
	}
	return s.Stated.HoldForMe[0], nil
}

// claim signs a statement with the liar's key, of another number and figure.
func (three trio) claim(l liar, after api.Statement, bytes potluck.Size) ([]byte, error) {
	return signed.SealStatement(l.key, signed.Statement{Host: three.host.Peer(), Owner: three.owner.Peer(), Number: after.Number + 1,
		Time: time.Now().Unix(), Bytes: bytes, Shares: after.Shares, Digest: after.Digest})
}

// A host that says that it holds more than it does gets nothing for it: the
// owner doesn't sign that, and its own signature alone counts nothing. The
// dispute stands in the owner's events.
func TestHostOverstates(t *testing.T) {
	tell(t, strangers("server", "host", "owner"), func(ctx context.Context, n *testnet.Net) error {
		three, held, err := trioOf(ctx, n)
		if err == nil {
			err = three.agreed(ctx, held)
		}
		if err != nil {
			return err
		}
		last, err := three.newest(ctx)
		if err != nil {
			return err
		}
		l, stop, err := corrupt(ctx, three.host, nil, three.server, three.owner)
		if err != nil {
			return err
		}
		defer stop()
		claim, err := three.claim(l, last, 10*held)
		if err != nil {
			return err
		}
		a, err := l.Propose(ctx, three.owner.Peer(), p2p.StatementRequest{Sealed: claim})
		if err != nil || len(a.Sealed) != 0 || a.Bytes != held {
			return fmt.Errorf("the owner answers a claim of %d with %d signed bytes and the figure %d, want none and %d: %w", 10*held, len(a.Sealed), a.Bytes, held, err)
		}
		if err := noted(ctx, three.owner, three.host, "dispute"); err != nil {
			return err
		}
		for what, d := range map[string]signed.Document{
			"by the host alone": signed.StatementOf(claim, nil), "by the host in the owner's place": signed.StatementOf(nil, claim), "by the host twice": signed.StatementOf(claim, claim),
		} {
			if _, err := l.deliver(ctx, three.server, d); err != nil {
				return fmt.Errorf("a claim %s: %w", what, err)
			}
			if s, err := serve(ctx, three.server, three.host); err != nil || s.Earned != held || s.Supply != held {
				return fmt.Errorf("after a claim %s the host has earned %d, want %d: %w", what, s.Earned, held, err)
			}
		}
		return nil
	})
}

// mute is an owner that says that nothing is held for it. It knows no more of
// the protocols than its methods.
type mute struct{ p2p.Clerk }

func (mute) Propose(context.Context, peer.ID, p2p.StatementRequest) (p2p.StatementResponse, error) {
	return p2p.StatementResponse{}, nil
}
func (mute) Deliver(_ context.Context, _ peer.ID, r p2p.DeliverRequest) (p2p.DeliverResponse, error) {
	return p2p.DeliverResponse{Results: make([]uint8, len(r.Documents))}, errors.New("no")
}
func (mute) Sync(context.Context, peer.ID, p2p.SyncRequest) (p2p.SyncResponse, error) {
	return p2p.SyncResponse{}, nil
}
func (mute) Account(context.Context, peer.ID, p2p.AccountRequest) (p2p.AccountResponse, error) {
	return p2p.AccountResponse{}, errors.New("no")
}
func (mute) Notice(context.Context, peer.ID, p2p.NoticeRequest) (p2p.NoticeResponse, error) {
	return p2p.NoticeResponse{}, nil
}

// A principal that takes back what it signed, and signs nothing else, owes no more
// by that: the smaller figure counts. But nobody can overlook it: both words stand
// in the host's books, and the refusal is in its events.
func TestPrincipalHidesItsDebts(t *testing.T) {
	tell(t, strangers("server", "host", "owner"), func(ctx context.Context, n *testnet.Net) error {
		three, held, err := trioOf(ctx, n)
		if err == nil {
			err = three.agreed(ctx, held)
		}
		if err != nil {
			return err
		}
		last, err := three.newest(ctx)
		if err != nil {
			return err
		}
		l, stop, err := corrupt(ctx, three.owner, mute{}, three.server, three.host)
		if err != nil {
			return err
		}
		defer stop()
		denial, err := three.claim(l, last, 1)
		if err != nil {
			return err
		}
		for _, to := range []*testnet.Member{three.server, three.host} {
			result, err := l.deliver(ctx, to, signed.StatementOf(nil, denial))
			if err != nil || result != p2p.DeliveredNew && result != p2p.DeliveredKnown { // the server may have passed it on
				return fmt.Errorf("%s answers a lower statement with result %d: %w", to.Label(), result, err)
			}
		}
		if err := becomes(ctx, "lowered", three.server, three.host, func(s api.ServeView) bool { return s.Earned == 1 }); err != nil {
			return err
		}
		s, err := three.host.API().Shares(ctx, "owner")
		if err != nil {
			return err
		}
		w := slices.DeleteFunc(s.Stated.IHold, func(s api.Statement) bool { return s.Signed == "host" }) // its own proposals
		if len(w) != 2 || w[0] != last || w[1].Signed != "owner" || w[1].Bytes != 1 || s.Sums.IHold.Bytes != held {
			return fmt.Errorf("the host holds %d, and its books say of it %+v; want %d, what both signed, and what the owner says", s.Sums.IHold.Bytes, w, held)
		}
		return noted(ctx, three.host, three.owner, "dispute")
	})
}
