package node

import (
	"context"
	"slices"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/signed"
)

// RevokeAuthority takes back what a friend may repair of this node's: one file, or,
// without a cap, all. It is signed and in the books on return, and goes to friends
// and hosts as they come: each looks into it before it takes a share in this node's
// name. The friend needn't be there, and has no say.
func (n *Node) RevokeAuthority(ctx context.Context, friend ledger.Account, c caps.Cap) (AuthorityView, error) {
	if err := n.writable(); err != nil {
		return AuthorityView{}, err
	}
	var file caps.Verify // of no file: all
	if c != nil {
		var err error
		if file, err = files.VerifyCap(c); err != nil {
			return AuthorityView{}, err
		}
	}
	now := n.config.Clock()
	least, err := n.afterRevoked(ctx, nil)
	if err != nil {
		return AuthorityView{}, err
	}
	// The clock may have been set back since the authority was signed.
	upTo := max(uint64(now.Add(signed.Tolerance).UnixMilli()), least)
	_, err = n.signRevocation(ctx, 0, signed.Revoked{About: signed.SubjectOf(n.self, friend.Peer, file.Index), UpTo: upTo})
	if err != nil {
		return AuthorityView{}, err
	}
	n.post.changed()
	e := ledger.Event{Kind: ledger.KindAuthority, Peer: friend.Peer, Bytes: file.Layout.Size, Reason: "may repair nothing for this node from now on"}
	if c != nil {
		e.Share, e.Reason = &potluck.ShareID{Index: file.Index}, "may repair the file no longer"
	}
	return AuthorityView{Index: file.Index, Size: file.Layout.Size, Layout: file.Layout, Owner: n.self, OwnerName: "you", Repairer: friend.Peer,
		RepairerName: friend.Name, Expires: now.Unix()}, n.checked(n.book.Note(ctx, e))
}

// signRevocation signs that more authorities hold no longer, beside those that an
// earlier one names, as long as one of these could live.
func (n *Node) signRevocation(ctx context.Context, above uint64, more ...signed.Revoked) (signed.Revocation, error) {
	return signNew(ctx, n, signed.KindRevocation, signed.SealRevocation, func() (signed.Revocation, error) {
		old, _, err := opened(ctx, n.book, signed.KindRevocation, n.self, "", signed.Document.Revocation)
		now := n.config.Clock()
		next := signed.Revocation{Owner: n.self, Number: max(old.Number, above) + 1, Time: now.Unix()}
		over := uint64(now.Add(-signed.MaxLifetime - signed.Tolerance - time.Hour).UnixMilli()) // numbers of authorities are milliseconds, see Authorize
		for _, x := range append(more, old.Revoked...) {
			if x.UpTo >= over {
				next = next.With(x)
			}
		}
		return next, n.checked(err)
	})
}

// outdoRevocation signs above a revocation of this node's own that somebody else
// kept: what it takes back stays so.
func (n *Node) outdoRevocation(ctx context.Context, d signed.Document) error {
	r, err := d.Revocation()
	if err != nil {
		return err
	}
	_, err = n.signRevocation(ctx, r.Number, r.Revoked...)
	return err
}

// afterRevoked is the least number of an authority that isn't taken back already by
// what is about one of the given, or with none about anything: in milliseconds as
// Authorize counts.
func (n *Node) afterRevoked(ctx context.Context, about []signed.Subject) (least uint64, err error) {
	r, _, err := opened(ctx, n.book, signed.KindRevocation, n.self, "", signed.Document.Revocation)
	for _, x := range r.Revoked {
		if about == nil || slices.Contains(about, x.About) {
			least = max(least, x.UpTo+1)
		}
	}
	return least, n.checked(err)
}

// dropRevoked forgets the authorities that friends took back.
func (n *Node) dropRevoked(ctx context.Context) error {
	for _, a := range n.authorities.live(n.config.Clock().Unix()) {
		revoked, err := n.book.Revoked(ctx, a.Authority)
		if err == nil && revoked {
			n.log.Info("a friend lets this node repair a file no longer", "owner", a.Owner, "index", a.Index)
			err = n.authorities.drop(a)
		}
		if err != nil {
			return n.checked(err)
		}
	}
	return nil
}
