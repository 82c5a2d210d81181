package ledger

import (
	"context"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

type Config struct {
	Dir   string
	Clock func() time.Time
	Log   *slog.Logger
	// AcceptCut opens books whose tail was cut (ErrCut); an event notes it.
	AcceptCut bool
}

type Book struct{}

func Open(ctx context.Context, c Config) (*Book, error) { return nil, ErrFailed }
func (b *Book) Close() error                            { return ErrFailed }
func (b *Book) Unclean() bool                           { return false }

func Admit(a Account, u Usage, room potluck.Size, asked potluck.Size, now time.Time) (free potluck.Size, refusal *potluck.Refusal) {
	return 0, nil
}

func (b *Book) Befriend(ctx context.Context, a Account) error { return ErrFailed }
func (b *Book) Account(ctx context.Context, p peer.ID) (Account, error) {
	return Account{}, ErrFailed
}
func (b *Book) Accounts(ctx context.Context) ([]Account, error)           { return nil, ErrFailed }
func (b *Book) Usage(ctx context.Context, p peer.ID) (Usage, error)       { return Usage{}, ErrFailed }
func (b *Book) Totals(ctx context.Context) (Usage, error)                 { return Usage{}, ErrFailed }
func (b *Book) Seen(ctx context.Context, p peer.ID, addrs []string) error { return ErrFailed }
func (b *Book) Update(ctx context.Context, p peer.ID, reason string, change func(*Account) error) (Account, error) {
	return Account{}, ErrFailed
}
func (b *Book) Quote(ctx context.Context, owner peer.ID, room Room, asked potluck.Size) (free potluck.Size, err error) {
	return 0, ErrFailed
}
func (b *Book) Reserve(ctx context.Context, owner peer.ID, room Room, rs []Reservation) ([]Grant, error) {
	return nil, ErrFailed
}
func (b *Book) Commit(ctx context.Context, owner peer.ID, id potluck.ShareID, root, manifest potluck.Digest) error {
	return ErrFailed
}
func (b *Book) Abort(ctx context.Context, owner peer.ID, ids []potluck.ShareID) (gone []potluck.ShareID, err error) {
	return nil, ErrFailed
}
func (b *Book) Cancel(ctx context.Context, owner peer.ID, ids []potluck.ShareID) (freed potluck.Size, gone []potluck.ShareID, err error) {
	return 0, nil, ErrFailed
}
func (b *Book) Deleted(ctx context.Context, ids []potluck.ShareID) error { return ErrFailed }
func (b *Book) NotDeleted(ctx context.Context, ids []potluck.ShareID, reason string) error {
	return ErrFailed
}
func (b *Book) Evict(ctx context.Context, owner peer.ID) (freed potluck.Size, gone []potluck.ShareID, err error) {
	return 0, nil, ErrFailed
}
func (b *Book) Renew(ctx context.Context, owner peer.ID, until time.Time) (shares int64, err error) {
	return 0, ErrFailed
}
func (b *Book) Expire(ctx context.Context, now time.Time, limit int) (gone []potluck.ShareID, more bool, err error) {
	return nil, false, ErrFailed
}
func (b *Book) Share(ctx context.Context, id potluck.ShareID) (ShareRow, error) {
	return ShareRow{}, ErrFailed
}
func (b *Book) SharesOf(ctx context.Context, index potluck.StorageIndex) ([]ShareRow, error) {
	return nil, ErrFailed
}
func (b *Book) Shares(ctx context.Context, after potluck.ShareID, visit func(ShareRow) error) error {
	return ErrFailed
}
func (b *Book) Leases(ctx context.Context, owner peer.ID, visit func(ShareRow) error) error {
	return ErrFailed
}
func (b *Book) MarkShare(ctx context.Context, id potluck.ShareID, state ShareState, reason string) error {
	return ErrFailed
}
func (b *Book) Place(ctx context.Context, ps []Placement) error { return ErrFailed }
func (b *Book) Unplace(ctx context.Context, host peer.ID, ids []potluck.ShareID) error {
	return ErrFailed
}
func (b *Book) Placements(ctx context.Context, index potluck.StorageIndex) ([]Placement, error) {
	return nil, ErrFailed
}
func (b *Book) PlacementsAt(ctx context.Context, host peer.ID, visit func(Placement) error) error {
	return ErrFailed
}
func (b *Book) PutFile(ctx context.Context, f File) error { return ErrFailed }
func (b *Book) File(ctx context.Context, index potluck.StorageIndex) (File, error) {
	return File{}, ErrFailed
}
func (b *Book) Files(ctx context.Context, visit func(File) error) error        { return ErrFailed }
func (b *Book) DropFile(ctx context.Context, index potluck.StorageIndex) error { return ErrFailed }
func (b *Book) AddInvite(ctx context.Context, i Invite) error                  { return ErrFailed }
func (b *Book) Invites(ctx context.Context) ([]Invite, error)                  { return nil, ErrFailed }
func (b *Book) Invite(ctx context.Context, id InviteID) (Invite, error)        { return Invite{}, ErrFailed }
func (b *Book) RevokeInvite(ctx context.Context, id InviteID) error            { return ErrFailed }
func (b *Book) UseInvite(ctx context.Context, id InviteID, by peer.ID, now time.Time, a Account) (Invite, error) {
	return Invite{}, ErrFailed
}
func (b *Book) Events(ctx context.Context, after uint64, limit int) ([]Event, error) {
	return nil, ErrFailed
}
func (b *Book) WaitEvent(ctx context.Context, after uint64) error { return ErrFailed }
func (b *Book) Note(ctx context.Context, e Event) error           { return ErrFailed }
func (b *Book) Check(ctx context.Context) (Report, error)         { return Report{}, ErrFailed }
