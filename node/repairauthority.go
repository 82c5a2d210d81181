package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/internal/durable"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// authority is a repair authority that somebody gave this node.
type authority struct {
	signed.Authority
	sealed []byte
}

// file is what the authority is for.
func (a authority) file() caps.Verify {
	return caps.Verify{Layout: a.Layout, Index: a.Index, Manifest: a.Manifest}
}

// authorities keeps the repair authorities that friends gave this node, each as a
// file of its own in the data directory: they are no part of the books, and their
// loss costs nobody anything but a repair.
type authorities struct {
	dir string

	mu   sync.Mutex
	held map[wardKey]authority
}

// wardKey is what there is one authority for at most.
type wardKey struct {
	owner peer.ID
	index potluck.StorageIndex
}

// maxAuthorities bounds those of one friend.
const maxAuthorities = 256

// open reads what is kept. What can't be read, or has ended, is removed.
func (s *authorities) open(dir string, now int64) error {
	s.dir, s.held = dir, make(map[wardKey]authority)
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		a, err := readAuthority(path)
		if err != nil || a.ValidAt(now) != nil && now >= a.Expires {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		s.held[wardKey{a.Owner, a.Index}] = a
	}
	return nil
}

func readAuthority(path string) (authority, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return authority{}, err
	}
	a, err := signed.OpenAuthority(sealed)
	return authority{a, sealed}, err
}

func (s *authorities) path(k wardKey) string {
	return filepath.Join(s.dir, k.index.String()+"-"+k.owner.String())
}

// take keeps an authority, over an older one for the same file. On return it is
// durable.
func (s *authorities) take(a authority) (uint8, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := wardKey{a.Owner, a.Index}
	old, there := s.held[k]
	switch {
	case there && old.Number == a.Number:
		return p2p.DeliveredKnown, nil
	case there && old.Number > a.Number:
		return p2p.DeliveredStale, nil
	}
	of := 0
	for other := range s.held {
		if other.owner == a.Owner {
			of++
		}
	}
	if !there && of >= maxAuthorities {
		return p2p.DeliveredNotConcerned, nil
	}
	if err := durable.WriteFile(s.path(k), a.sealed, 0o600); err != nil {
		return 0, err
	}
	s.held[k] = a
	return p2p.DeliveredNew, nil
}

// live lists what holds at a time, and removes what has ended.
func (s *authorities) live(now int64) []authority {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []authority
	for k, a := range s.held {
		switch err := a.ValidAt(now); {
		case err == nil:
			list = append(list, a)
		case errors.Is(err, signed.ErrExpired):
			delete(s.held, k)
			_ = os.Remove(s.path(k)) // else the next start does it
		}
	}
	slices.SortFunc(list, func(a, b authority) int {
		return strings.Compare(string(a.Index[:])+string(a.Owner), string(b.Index[:])+string(b.Owner))
	})
	return list
}

// drop forgets an authority, unless a newer one for the file has come. It is durable
// enough on return: one that comes back with the next start is dropped again.
func (s *authorities) drop(a authority) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := wardKey{a.Owner, a.Index}
	if s.held[k].Number != a.Number {
		return nil
	}
	delete(s.held, k)
	return os.Remove(s.path(k))
}

// of gives an authority for a file; nil: there is none.
func (s *authorities) of(index potluck.StorageIndex, now int64) *authority {
	for _, a := range s.live(now) {
		if a.Index == index {
			return &a
		}
	}
	return nil
}

// takeAuthority judges a repair authority that a peer brought.
func (n *Node) takeAuthority(ctx context.Context, d signed.Document) (uint8, error) {
	a, err := d.Authority()
	if err != nil || len(d.Sealed[0]) > signed.MaxAuthority || a.ValidAt(n.config.Clock().Unix()) != nil {
		return p2p.DeliveredInvalid, nil
	}
	if a.Repairer != n.self {
		return p2p.DeliveredNotConcerned, nil
	}
	if !n.gate.isFriend(a.Owner) {
		return p2p.DeliveredUnknownIssuer, nil
	}
	if revoked, err := n.book.Revoked(ctx, a); err != nil || revoked {
		return p2p.DeliveredStale, n.checked(err)
	}
	first := n.authorities.of(a.Index, n.config.Clock().Unix()) == nil
	result, err := n.authorities.take(authority{a, d.Sealed[0]})
	if err != nil || result != p2p.DeliveredNew || !first { // one event a file, however often it is signed anew
		return result, n.checked(err)
	}
	n.log.Info("a friend lets this node repair a file", "owner", a.Owner, "index", a.Index, "until", a.Expires)
	return result, n.checked(n.book.Note(ctx, ledger.Event{Kind: ledger.KindAuthority, Peer: a.Owner, Bytes: a.Layout.Size,
		Share: &potluck.ShareID{Index: a.Index}, Reason: "may repair the file until " + moment(a.Expires)}))
}

// wardTime is for how long it is looked for friends' files that need repair: this
// node's own wait meanwhile, and hosts may be slow.
const wardTime = 10 * time.Minute

// wards lists the files of friends that this node may repair, whose owners were
// away for too long, and of which too few shares are claimed. It asks hosts, and
// begins with another file each time.
func (n *Node) wards(ctx context.Context, now time.Time) []patient {
	ctx, cancel := context.WithTimeout(ctx, wardTime)
	defer cancel()
	var list []patient
	live := n.authorities.live(now.Unix())
	rand.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
	for _, a := range live {
		if ctx.Err() != nil {
			break
		}
		account, err := n.book.Account(ctx, a.Owner)
		if err != nil || n.host.Connected(a.Owner) || now.Sub(lastHere(account)) < n.wish().RepairAfter || n.repair.waits(a.Index, now) {
			continue
		}
		r, err := n.files.Check(ctx, a.file(), files.CheckOptions{}, nil)
		if err != nil {
			n.tend.complain("check a friend's file", err, "index", a.Index)
			continue
		}
		if left := r.Good + r.Claimed; left < files.Enough(a.Layout) && left >= int(a.Layout.K) {
			list = append(list, patient{file: a.file(), spare: left - int(a.Layout.K), grant: &a,
				cost: files.RepairCost(a.Layout, int(a.Layout.N)-left)})
		}
	}
	return list
}

// Authorize signs that a friend may repair a file of this node for so long, and
// gives it to the friend. The friend needs nothing else; hosts charge this node.
func (n *Node) Authorize(ctx context.Context, friend ledger.Account, c caps.Cap, lasts time.Duration) (AuthorityView, error) {
	if err := n.writable(); err != nil {
		return AuthorityView{}, err
	}
	if most := signed.MaxLifetime; lasts < time.Second || lasts > most {
		return AuthorityView{}, usagef("leave to repair for %s can't be given; it is for 1 second to %d days", days(lasts), most/(24*time.Hour))
	}
	v, err := files.VerifyCap(c)
	if err != nil {
		return AuthorityView{}, err
	}
	if _, err := n.book.File(ctx, v.Index); err != nil {
		return AuthorityView{}, n.checked(orNotFound(err, "file of this cap among those that this node put"))
	}
	now := n.config.Clock()
	least, err := n.afterRevoked(ctx, []signed.Subject{signed.SubjectOf(n.self, friend.Peer, v.Index), signed.SubjectOf(n.self, friend.Peer, potluck.StorageIndex{})})
	if err != nil {
		return AuthorityView{}, err
	}
	a := signed.Authority{Owner: n.self, Repairer: friend.Peer, Number: max(uint64(now.UnixMilli()), least), Index: v.Index, Layout: v.Layout, Manifest: v.Manifest,
		NotBefore: now.Unix(), Expires: now.Add(lasts).Unix()}
	if err := a.Validate(); err != nil {
		return AuthorityView{}, usagef("this can't be signed: %v", err)
	}
	sealed, err := signed.SealAuthority(n.keep.key, a)
	if err != nil {
		return AuthorityView{}, err
	}
	d := signed.Single(signed.KindAuthority, sealed)
	raw, err := d.Marshal()
	if err != nil {
		return AuthorityView{}, err
	}
	given, err := n.host.Deliver(ctx, friend.Peer, p2p.DeliverRequest{Documents: [][]byte{raw}})
	if err != nil {
		return AuthorityView{}, fmt.Errorf("give the authority to %s: %w", friend.Name, err)
	}
	if len(given.Results) != 1 || given.Results[0] != p2p.DeliveredNew {
		return AuthorityView{}, fmt.Errorf("%s doesn't take the authority (%v); it must know you as a friend, and has at most %d from each", friend.Name, given.Results, maxAuthorities)
	}
	err = n.book.Note(ctx, ledger.Event{Kind: ledger.KindAuthority, Peer: friend.Peer, Bytes: v.Layout.Size, Share: &potluck.ShareID{Index: v.Index},
		Reason: "was given leave to repair the file until " + moment(a.Expires)})
	return AuthorityView{Index: a.Index, Size: a.Layout.Size, Layout: a.Layout, Owner: n.self, OwnerName: "you", Repairer: friend.Peer, RepairerName: friend.Name,
		Expires: a.Expires}, n.checked(err)
}

// days gives a length of time in days, if it is whole days.
func days(t time.Duration) string {
	if day := 24 * time.Hour; t%day == 0 && t != 0 {
		return fmt.Sprintf("%d days", t/day)
	}
	return t.String()
}

// orNotFound turns a row that isn't there into what people are told.
func orNotFound(err error, what string) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return &NotFoundError{What: what}
	}
	return err
}

// Authorities lists the files that friends let this node repair.
func (n *Node) Authorities(ctx context.Context) ([]AuthorityView, error) {
	list := []AuthorityView{}
	for _, a := range n.authorities.live(n.config.Clock().Unix()) {
		account, err := n.book.Account(ctx, a.Owner)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return nil, n.checked(err)
		}
		list = append(list, AuthorityView{Index: a.Index, Size: a.Layout.Size, Layout: a.Layout, Owner: a.Owner, OwnerName: account.Name,
			Repairer: n.self, RepairerName: "you", Expires: a.Expires})
	}
	return list, nil
}
