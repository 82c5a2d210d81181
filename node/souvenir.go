package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/node/keepsake"
)

// souvenirs keeps what this node leaves with its friends up to date: the signed
// keepsake, and each night the backup of the books that it names.
type souvenirs struct {
	n     *Node
	cycle *lifecycle.Cycle

	leaving sync.Mutex // held from reading what a keepsake says to signing it
	looked  time.Time  // when the cycle looked last whether a backup is due
}

const (
	souvenirEvery = time.Hour
	backupEvery   = 24 * time.Hour
	backupFirst   = time.Hour // from the first file to the first backup, and between two when a keepsake can't name all files that were put
)

// kindOlder is the event that this copy saw that it is an older one.
const kindOlder = "older-copy"

func newSouvenirs(n *Node) *souvenirs {
	s := &souvenirs{n: n}
	s.cycle = lifecycle.NewCycle(s.turn)
	return s
}

// turn makes the backup that is due, and the keepsake when it would say
// something else than the newest one.
func (s *souvenirs) turn(ctx context.Context) time.Duration {
	n := s.n
	if n.writable() != nil {
		return souvenirEvery
	}
	if err := n.lookRecent(ctx, false); err != nil {
		n.tend.complain("list files that no backup has", err)
	}
	// A backup has its own times, which puts that never pause don't put off.
	if !n.recents.woken() || time.Since(s.looked) >= souvenirEvery {
		s.looked = time.Now()
		if err := n.backup(ctx, false); err != nil {
			n.tend.complain("back the books up at friends", err)
		}
	}
	if _, err := n.leave(ctx); err != nil {
		n.tend.complain("sign a keepsake", err)
	}
	if wait := n.recents.wait(); wait >= 0 {
		return wait
	}
	return souvenirEvery
}

// ownKeepsake gives this node's newest keepsake; found tells whether there is one.
func (n *Node) ownKeepsake(ctx context.Context) (k signed.Keepsake, found bool, err error) {
	k, found, err = opened(ctx, n.book, signed.KindKeepsake, n.self, "", signed.Document.Keepsake)
	return k, found, n.checked(err)
}

// leave signs a keepsake when what it says has changed, or the newest one isn't
// of this epoch, and hands it to the friends that are here. It tells whether it
// did.
func (n *Node) leave(ctx context.Context) (bool, error) {
	n.souvenir.leaving.Lock() // what was read first would be signed last
	defer n.souvenir.leaving.Unlock()
	c, err := n.memory(ctx)
	if err != nil || len(c.Friends) == 0 {
		return false, err
	}
	k, found, err := n.ownKeepsake(ctx)
	if err != nil {
		return false, err
	}
	if found && k.Epoch == n.epoch.number() {
		old, err := n.sealKey.Open(k.Blob, n.self, k.Number())
		now, long := keepsake.Fitted(c, signed.MaxBlob)
		if err == nil && long == nil && sameContent(old, now) {
			return false, nil
		}
	}
	if err := n.signKeepsake(ctx, 0, c); err != nil {
		return false, err
	}
	n.post.changed()
	return true, nil
}

// sameContent tells whether two contents say the same. Whom it names first doesn't
// count: that changes while a put runs, and says only who is left out of a long one.
func sameContent(a, b keepsake.Content) bool {
	byPeer := func(c keepsake.Content) keepsake.Content {
		c.Friends = slices.SortedFunc(slices.Values(c.Friends), func(a, b keepsake.Friend) int { return cmp.Compare(a.Peer, b.Peer) })
		return c
	}
	x, err := byPeer(a).Marshal()
	y, other := byPeer(b).Marshal()
	return err == nil && other == nil && bytes.Equal(x, y)
}

// memory is what a keepsake says now. Those who hold most come first.
func (n *Node) memory(ctx context.Context) (keepsake.Content, error) {
	c := keepsake.Content{Name: n.wish().Name, Recent: n.recents.list()}
	var err error
	if c.Friends, err = n.companions(ctx); err != nil {
		return c, err
	}
	if c.Backup, _, err = n.backupRow(ctx, cursorBackup); err != nil {
		return c, err
	}
	c.Previous, _, err = n.backupRow(ctx, cursorBefore)
	return c, err
}

// companions lists the friends and all who hold something for this node.
func (n *Node) companions(ctx context.Context) ([]keepsake.Friend, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, n.checked(err)
	}
	held := make(map[peer.ID]potluck.Size)
	var all []keepsake.Friend
	for _, a := range accounts {
		u, err := n.book.Usage(ctx, a.Peer)
		if err != nil {
			return nil, n.checked(err)
		}
		if a.Peer == ledger.Anonymous || !a.Friend && u.EarnedShares == 0 {
			continue
		}
		held[a.Peer] = u.Earned
		all = append(all, keepsake.FriendOf(a))
	}
	slices.SortFunc(all, func(a, b keepsake.Friend) int {
		return cmp.Or(cmp.Compare(held[b.Peer], held[a.Peer]), cmp.Compare(a.Peer, b.Peer))
	})
	return all[:min(len(all), keepsake.MaxFriends)], nil
}

// signKeepsake signs the keepsake that follows, of this epoch and above a number,
// and takes it into the books.
func (n *Node) signKeepsake(ctx context.Context, above uint64, c keepsake.Content) error {
	n.signing.Lock()
	defer n.signing.Unlock()
	old, _, err := n.ownKeepsake(ctx)
	if err != nil {
		return err
	}
	next := signed.Keepsake{Owner: n.self, Epoch: n.epoch.number(), Time: n.config.Clock().Unix()}
	next.Serial = max(old.Number(), above, next.Number()) + 1 - next.Number()
	blob, left, err := n.sealKey.Seal(c, n.self, next.Number(), signed.MaxBlob, rand.Reader)
	if err != nil {
		return err
	}
	if left > 0 {
		n.log.Warn("not all friends fit into the keepsake; the others are in the backup of the books", "left", left)
	}
	next.Blob = blob
	sealed, err := signed.SealKeepsake(n.keep.key, next)
	if err != nil {
		return err
	}
	return n.takeOwn(ctx, signed.Single(signed.KindKeepsake, sealed))
}

// remembered looks at a keepsake of this node that a friend kept. One of a
// higher epoch says that this copy is an older one.
func (n *Node) remembered(ctx context.Context, p paper) (older bool, err error) {
	k, err := p.document.Keepsake()
	if err != nil || k.Epoch <= n.epoch.number() {
		return false, err
	}
	news, err := n.epoch.saw(k.Epoch)
	if err != nil {
		n.log.Error("can't note that this is an older copy of the node", "err", err)
	}
	if !news {
		return true, nil
	}
	why := n.writable()
	n.log.Error("this copy of the node stops writing", "err", why)
	raw, err := p.document.Marshal()
	if err != nil {
		return true, err
	}
	return true, n.checked(n.book.Note(ctx, ledger.Event{Kind: kindOlder, Reason: fmt.Sprint(why), Evidence: raw}))
}
