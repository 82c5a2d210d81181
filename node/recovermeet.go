package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck/internal/durable"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/node/keepsake"
	"potluck/p2p"
)

const (
	recoverDial   = 20 * time.Second // for one friend that may be away
	recoverRounds = 4                // friends who know of friends who know of friends
	recoverAtOnce = 8                // friends talked to at the same time
)

// first asks the one friend whose address people know for the newest keepsake
// and for all documents of this node.
func (w *recovery) first(ctx context.Context, friend peer.ID, addrs []string) error {
	w.tell("asking the friend for what this node left there")
	before, err := w.n.book.Account(ctx, friend)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return w.n.checked(err)
	}
	if err := w.befriend(ctx, keepsake.Friend{Peer: friend, Name: nameless(friend), Friend: true, Addrs: addrs,
		Terms: ledger.DefaultTerms()}); err != nil {
		return err
	}
	if err := w.ask(ctx, friend, addrs); err != nil {
		if !before.Friend { // nothing but an address says that it was one, and that may be mistyped
			err = errors.Join(err, w.n.unfriend(context.WithoutCancel(ctx), ledger.Account{Peer: friend}))
		}
		return err
	}
	if err := w.newest(ctx); err != nil {
		return err
	}
	if w.kept.Epoch == 0 && !w.request.Bare {
		return fmt.Errorf("%v knows this node, and has no keepsake of it; cure: name another friend, or go on with --bare: then only what this friend holds comes back, without names and caps", friend)
	}
	return nil
}

// ask dials the first friend, and takes in what it has of this node.
func (w *recovery) ask(ctx context.Context, friend peer.ID, addrs []string) error {
	if err := w.connect(ctx, friend, addrs); err != nil {
		return fmt.Errorf("%v doesn't answer at %s, or %w: %w", friend, addrs[0], errStranger, err)
	}
	if err := w.sync(ctx, friend); errors.Is(err, p2p.ErrUnreachable) {
		return fmt.Errorf("%v %w: %w", friend, errStranger, err)
	} else if err != nil {
		return fmt.Errorf("ask %v: %w", friend, err)
	}
	return nil
}

// errStranger says that a node knows nothing of this key.
var errStranger = errors.New("doesn't let this key in, as no node does with strangers: then these are the words of another node or of another version, or it is no friend; cure: see that it is on, compare the words and the address, or name another friend")

// befriend writes the account of a friend into the new books.
func (w *recovery) befriend(ctx context.Context, f keepsake.Friend) error {
	n := w.n
	a := f.Account()
	accounts, err := n.book.Accounts(ctx)
	if err == nil && (a.Name == "" || taken(accounts, a.Name, a.Peer)) {
		a.Name, err = n.freeName(ctx, a.Name, a.Peer)
	}
	if err != nil {
		return n.checked(err)
	}
	if !f.Friend {
		if err := n.book.Know(ctx, a.Peer, a.Name, a.Addrs); err != nil {
			return n.checked(err)
		}
		return n.regate(ctx)
	}
	if err := n.book.Befriend(ctx, a); err != nil {
		return n.checked(err)
	}
	if a.Denied || a.Household != "" {
		_, err = n.book.Update(ctx, a.Peer, "as before the recovery", func(x *ledger.Account) error {
			x.Denied, x.Household = a.Denied, a.Household
			return nil
		})
		if err != nil {
			return n.checked(err)
		}
	}
	return n.regate(ctx)
}

// connect dials a friend.
func (w *recovery) connect(ctx context.Context, p peer.ID, addrs []string) error {
	ctx, cancel := context.WithTimeout(ctx, recoverDial)
	defer cancel()
	return w.n.host.Connect(ctx, p, addrs)
}

// sync takes in what a friend has of this node.
func (w *recovery) sync(ctx context.Context, p peer.ID) error {
	n := w.n
	for range pullMost {
		have, err := n.haveKeys(ctx)
		if err != nil {
			return err
		}
		talk, cancel := context.WithTimeout(ctx, talkTime)
		a, err := n.host.Sync(talk, p, p2p.SyncRequest{Have: have})
		cancel()
		if err != nil {
			return err
		}
		news := false
		for _, raw := range a.Documents {
			result, err := n.take(ctx, p, raw, nil)
			if err != nil {
				return err
			}
			news = news || result == p2p.DeliveredNew
		}
		if !a.More || !news {
			return nil
		}
	}
	return nil
}

// newest opens the newest keepsake that came so far.
func (w *recovery) newest(ctx context.Context) error {
	k, found, err := w.n.ownKeepsake(ctx)
	if err != nil || !found || k.Number() == w.kept.Number() {
		return err
	}
	c, err := w.n.sealKey.Open(k.Blob, w.n.self, k.Number())
	if err != nil {
		return fmt.Errorf("the keepsake of %s: %w", day(k.Time), err)
	}
	w.kept, w.content = k, c
	w.result.Keepsake = k.Time
	w.tell(fmt.Sprintf("found a keepsake of %s: epoch %d, %d friends", day(k.Time), k.Epoch, len(c.Friends)))
	return nil
}

// everybody befriends all whom the keepsake names and asks them too: one of them
// may have a newer one. Who is away stays a friend.
func (w *recovery) everybody(ctx context.Context) error {
	asked := make(map[peer.ID]bool)
	for range recoverRounds {
		var fresh []keepsake.Friend
		for _, f := range w.content.Friends {
			if f.Peer == w.n.self {
				continue
			}
			if err := w.befriend(ctx, f); err != nil {
				return err
			}
			if !asked[f.Peer] {
				asked[f.Peer], fresh = true, append(fresh, f)
			}
		}
		if len(fresh) == 0 {
			break
		}
		var g errgroup.Group
		g.SetLimit(recoverAtOnce)
		var mu sync.Mutex
		for _, f := range fresh {
			g.Go(func() error {
				err := w.connect(ctx, f.Peer, f.Addrs)
				if err == nil {
					err = w.sync(ctx, f.Peer)
				}
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					w.problem("%s can't be asked: %v", f.Name, err)
				}
				return nil
			})
		}
		_ = g.Wait() // none returns an error
		if err := ctx.Err(); err != nil {
			return err
		}
		before := w.kept.Number()
		if err := w.newest(ctx); err != nil {
			return err
		}
		if w.kept.Number() == before {
			break
		}
	}
	return w.roll(ctx)
}

// roll lists the friends in the result.
func (w *recovery) roll(ctx context.Context) error {
	accounts, err := w.n.book.Accounts(ctx)
	if err != nil {
		return w.n.checked(err)
	}
	for _, a := range accounts {
		if a.Friend {
			w.result.Friends = append(w.result.Friends, RecoveredAt{Peer: a.Peer, Name: a.Name, Answered: w.n.host.Connected(a.Peer)})
		}
	}
	return nil
}

// at is a friend's line in the result.
func (w *recovery) at(p peer.ID) *RecoveredAt {
	for i := range w.result.Friends {
		if w.result.Friends[i].Peer == p {
			return &w.result.Friends[i]
		}
	}
	w.result.Friends = append(w.result.Friends, RecoveredAt{Peer: p, Name: nameless(p)})
	return &w.result.Friends[len(w.result.Friends)-1]
}

// begin begins the new epoch. The keepsake that says so is at a friend before the
// node may run: from then on an older copy learns of it.
func (w *recovery) begin(ctx context.Context) error {
	n := w.n
	c, err := n.memory(ctx)
	if err != nil {
		return err
	}
	// If we die after this: the next Recover raises it once more.
	if err := n.epoch.raise(w.kept.Epoch + 1); err != nil {
		return err
	}
	n.recovering = false
	if err := w.adopt(ctx); err != nil {
		return err
	}
	if err := n.signKeepsake(ctx, 0, c); err != nil {
		return err
	}
	told := 0
	for _, f := range w.result.Friends {
		if !n.host.Connected(f.Peer) {
			continue
		}
		talk, cancel := context.WithTimeout(ctx, talkTime)
		err := n.post.push(talk, f.Peer)
		cancel()
		if err != nil || n.post.has(f.Peer, signed.Identity{Kind: signed.KindKeepsake, Issuer: n.self}) == 0 {
			w.problem("%s wasn't told of the new epoch: %v", f.Name, err)
			continue
		}
		told++
	}
	if told == 0 && len(w.result.Friends) > 0 {
		return errors.New("no friend could be told that this is the node from now on; cure: run it again when they are back")
	}
	w.result.Epoch = n.epoch.number()
	err = n.book.Note(ctx, ledger.Event{Kind: kindRecovered, Bytes: w.result.Bytes, Reason: fmt.Sprintf(
		"epoch %d: %d friends, %d files, %d shares at friends, %d shares here", w.result.Epoch, len(w.result.Friends), w.result.Files, w.result.Shares, w.result.Adopted)})
	if err != nil {
		return n.checked(err)
	}
	if err := os.Remove(n.dir.join(recoverMark)); err != nil {
		return err
	}
	return durable.SyncDir(n.dir.path)
}

// kindRecovered is the event that ends a recovery.
const kindRecovered = "recovered"
