package ledger

import (
	"context"

	"potluck/ledger/signed"
)

// Revoked tells whether the owner of a repair authority took it back, as far as
// these books know. Of two revocations that it signed under one number both count.
func (b *Book) Revoked(ctx context.Context, a signed.Authority) (revoked bool, err error) {
	err = b.view(ctx, func(v view) error {
		k := docKey{kind: signed.KindRevocation, issuer: a.Owner}
		e, found, err := load(v, docRowKey(keyDocument, k), func(row []byte) (*entry, error) { return decodeEntry(k, row, &b.opened) })
		if err != nil || !found {
			return err
		}
		revoked = e.paper.revocation.Ends(a) || e.rival != nil && e.rival.revocation.Ends(a)
		return nil
	})
	return revoked, err
}
