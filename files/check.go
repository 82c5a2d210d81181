package files

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
)

// CheckOptions says how closely a file is looked at.
type CheckOptions struct {
	Verify bool `json:"verify,omitempty"` // read every share whole and compare it with its root, rather than believe its host
}

// Health is what is known of one share at one host.
type Health string

// What is known of a share. What can't be known is unknown, never lost.
const (
	HealthGood    Health = "good"    // read whole just now, and right
	HealthClaimed Health = "claimed" // the host said just now that it holds it
	HealthUnknown Health = "unknown" // the host can't be asked now
	HealthLost    Health = "lost"    // the host said that it has no such share
	HealthDamaged Health = "damaged" // the host sent other bytes than the share has
	HealthMissing Health = "missing" // nobody is known to hold this number
)

// CheckShare is one share of a file at one host.
type CheckShare struct {
	Number    potluck.ShareNumber `json:"number"`
	Host      peer.ID             `json:"host,omitempty"`
	Name      string              `json:"name,omitempty"`
	Household string              `json:"household,omitempty"`
	State     Health              `json:"state"`
	Reason    string              `json:"reason,omitempty"` // why it is lost, damaged or unknown
	Mine      bool                `json:"mine"`             // the host keeps it under this node's lease
	Booked    bool                `json:"booked"`           // this node's books count it as held
}

// CheckResult is the health of one file.
type CheckResult struct {
	Index  potluck.StorageIndex `json:"index"`
	Name   string               `json:"name,omitempty"` // where this node put it
	Size   potluck.Size         `json:"size"`
	Layout potluck.Layout       `json:"layout"`
	Shares []CheckShare         `json:"shares"` // by number, then by host

	// Numbers with at least one share of that state, each number in the first of
	// these that fits: they sum to Layout.N.
	Good    int `json:"good"`
	Claimed int `json:"claimed"`
	Unknown int `json:"unknown"`
	Lost    int `json:"lost"` // lost, damaged, or missing

	Damaged  int          `json:"damaged"`  // shares whose bytes were wrong
	Now      Chance       `json:"now"`      // from what is good or claimed
	Chance   Chance       `json:"chance"`   // with what is unknown counted as there when its host is
	Repair   bool         `json:"repair"`   // so few are left that the background repair would act
	Read     potluck.Size `json:"read"`     // bytes of shares read
	Seconds  float64      `json:"seconds"`  //
	Verified bool         `json:"verified"` // with CheckOptions.Verify
}

// Check tells how healthy a file is. It needs no more than a verify cap, and
// changes nothing. Errors: *UsageError, *DamageError, or ctx's.
func (c *Client) Check(ctx context.Context, cp caps.Cap, o CheckOptions) (CheckResult, error) {
	return CheckResult{}, errors.New("check: not built")
}
