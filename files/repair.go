package files

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
)

// RepairOptions says how a file is repaired. The zero value brings back every
// number that nobody holds.
type RepairOptions struct {
	DryRun bool `json:"dry_run,omitempty"` // tell what would be done, and do nothing
	// Gone are hosts whose shares count as lost though nobody could ask them: they
	// were away for too long.
	Gone []peer.ID `json:"-"`
	// Authority, if not empty, is a sealed repair authority of the file's owner for
	// this node: hosts charge the owner, whose books this node doesn't touch.
	Authority []byte `json:"-"`
}

// RepairResult tells what a repair did, or with DryRun would do.
type RepairResult struct {
	Index    potluck.StorageIndex  `json:"index"`
	Name     string                `json:"name,omitempty"`
	Size     potluck.Size          `json:"size"`
	Layout   potluck.Layout        `json:"layout"`
	Missing  []potluck.ShareNumber `json:"missing"`  // numbers that nobody held before
	Placed   []Placed              `json:"placed"`   // shares that were made anew
	Reused   []Placed              `json:"reused"`   // shares that were there and weren't in the books as held
	Unplaced []Placed              `json:"unplaced"` // further copies that were let go
	Failed   []HostRefusal         `json:"failed"`   // hosts that couldn't take a share, or give one
	Cost     potluck.Size          `json:"cost"`     // bytes that the repair has to move
	Read     potluck.Size          `json:"read"`     // bytes of shares read
	Sent     potluck.Size          `json:"sent"`     // bytes of shares sent
	Seconds  float64               `json:"seconds"`  //
	DryRun   bool                  `json:"dry_run"`  //
	Left     int                   `json:"left"`     // numbers that are still held by nobody
	Chance   Chance                `json:"chance"`   // afterwards
}

// Repair brings a file's missing shares back from any k that are left: the same
// shares, with the same roots. It needs no more than a verify cap. Errors:
// *UsageError, *NotEnoughError, *DamageError, or ctx's.
func (c *Client) Repair(ctx context.Context, cp caps.Cap, o RepairOptions, report func(Progress)) (RepairResult, error) {
	return RepairResult{}, errors.New("repair: not built")
}
