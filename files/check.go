package files

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
)

// CheckOptions says how closely a file is looked at.
type CheckOptions struct {
	Verify bool `json:"verify,omitempty"` // read every share whole and compare it with its root, rather than believe its host
}

// Health is what is known of one share at one host.
type Health string

// What is known of a share. What can't be known is unknown, never lost.
const (
	HealthGood     Health = "good"     // read whole just now, and right
	HealthClaimed  Health = "claimed"  // the host said just now that it holds it
	HealthUnknown  Health = "unknown"  // the host can't be asked now
	HealthDoubted  Health = "doubted"  // the host says that it holds it, and had lost or spoilt it: it doesn't count until it is read
	HealthDamaged  Health = "damaged"  // the host sent other bytes than the share has
	HealthLost     Health = "lost"     // the host said that it has no such share
	HealthReplaced Health = "replaced" // lost before, and held by others since; the host isn't told yet that it is given up
	HealthMissing  Health = "missing"  // nobody is known to hold this number
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
	Up        float64             `json:"up,omitempty"`     // how often the host is expected to be there, from 0 to 1
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
	Lost    int `json:"lost"` // doubted, damaged, lost, or missing

	Damaged  int          `json:"damaged"`  // shares whose bytes were wrong
	Now      Chance       `json:"now"`      // from what is good or claimed
	Chance   Chance       `json:"chance"`   // with what is unknown counted as there when its host is
	Happy    int          `json:"happy"`    // places (a household is one) that hold a share of their own, unknown ones included
	Wider    int          `json:"wider"`    // so many more could, if shares that lie together were moved to friends that are here and have none
	Repair   bool         `json:"repair"`   // so few are left that the background repair would act
	Read     potluck.Size `json:"read"`     // bytes of shares read
	Seconds  float64      `json:"seconds"`  //
	Verified bool         `json:"verified"` // with CheckOptions.Verify
}

// Enough is how many numbers of a file must be left so that the background repair
// leaves it alone: k, and two thirds of the shares that may be lost. Repairing at
// the first loss would move k shares for each one; at the last it would be late.
func Enough(l potluck.Layout) int {
	k, spare := int(l.K), int(l.N-l.K)
	return k + (2*spare+2)/3
}

// Check tells how healthy a file is. It needs no more than a verify cap, and
// changes nothing. Errors: *UsageError, *DamageError when a manifest is wrong, or
// ctx's.
func (c *Client) Check(ctx context.Context, cp caps.Cap, o CheckOptions, report func(Progress)) (CheckResult, error) {
	start := c.c.Clock()
	v, err := VerifyCap(cp)
	if err != nil {
		return CheckResult{}, err
	}
	l, err := c.look(ctx, v)
	if err != nil {
		return CheckResult{}, err
	}
	r := CheckResult{Index: v.Index, Size: v.Layout.Size, Layout: v.Layout, Shares: l.shares(), Verified: o.Verify}
	if file, err := c.c.Books.File(ctx, v.Index); err == nil {
		r.Name = file.Name
	} else if !errors.Is(err, ledger.ErrNotFound) {
		return CheckResult{}, fmt.Errorf("look the file up: %w", err)
	}
	if o.Verify {
		if r.Read, err = l.readAll(ctx, r.Shares, newReporter(report, c.c.Clock)); err != nil {
			return CheckResult{}, err
		}
	}
	l.replaced(r.Shares)
	l.sum(&r)
	r.Seconds = c.c.Clock().Sub(start).Seconds()
	return r, nil
}

// replaced tells of shares that were lost before whether others hold them now.
func (l *look) replaced(list []CheckShare) {
	var there numbers
	for _, s := range list {
		if s.State == HealthGood || s.State == HealthClaimed {
			there.add(s.Number)
		}
	}
	for i := range list {
		if s := &list[i]; s.State == HealthLost && there.has(s.Number) && l.lostBefore(edge{s.Number, s.Host}) {
			s.State, s.Reason = HealthReplaced, "it was lost before, and others hold it now"
		}
	}
}

// sum fills in the figures that follow from the shares.
func (l *look) sum(r *CheckResult) {
	best := make([]Health, l.file.Layout.N)
	var now, all []edge
	for _, s := range r.Shares {
		if s.State == HealthDamaged {
			r.Damaged++
		}
		if best[s.Number] == "" || s.State.rank() < best[s.Number].rank() {
			best[s.Number] = s.State
		}
		e := edge{s.Number, s.Host}
		if s.State == HealthGood || s.State == HealthClaimed {
			now = append(now, e)
		}
		if s.State.rank() <= HealthUnknown.rank() && s.Host != "" {
			all = append(all, e)
		}
	}
	for _, h := range best {
		switch h {
		case HealthGood:
			r.Good++
		case HealthClaimed:
			r.Claimed++
		case HealthUnknown:
			r.Unknown++
		default:
			r.Lost++
		}
	}
	k, homes := int(l.file.Layout.K), l.known.homes
	r.Now, r.Chance = homes.chanceOf(k, now, l.known.up), homes.chanceOf(k, all, l.known.up)
	r.Happy, r.Wider = homes.happiness(all), homes.wider(all, l.friends())
	r.Repair = r.Good+r.Claimed+r.Unknown < Enough(l.file.Layout)
}

// rank orders what is known, best first.
func (h Health) rank() int {
	return slices.Index([]Health{HealthGood, HealthClaimed, HealthUnknown, HealthDoubted, HealthDamaged, HealthLost, HealthReplaced, HealthMissing}, h)
}
