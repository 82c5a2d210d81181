package node

import (
	"context"
	"path/filepath"
	"time"

	"potluck/caps/words"
	"potluck/ledger"
	"potluck/ledger/signed"
)

// Words gives the 24 words of the node in a data directory. Who has them is the
// node; they are shown on a terminal, and nowhere else.
func Words(data string) ([]string, error) {
	path := filepath.Join(data, "node.key")
	if err := keyed(data); err != nil {
		return nil, err
	}
	seed, err := readSeed(path)
	if err != nil {
		return nil, err
	}
	return words.Encode([words.SeedLen]byte(seed)), nil
}

// KeepsakeView tells what friends keep for the day on which this disk is gone.
type KeepsakeView struct {
	Epoch   uint64         `json:"epoch"`
	Serial  uint64         `json:"serial"` // of the newest keepsake; 0: there is none
	Time    int64          `json:"time"`   // unix seconds when it was signed
	Backup  int64          `json:"backup"` // unix seconds of the newest backup of the books; 0: there is none
	Files   int64          `json:"files"`  // in the books, without backups
	Friends []KeepsakeWith `json:"friends"`
}

// KeepsakeWith is one friend that should have the keepsake.
type KeepsakeWith struct {
	Name string `json:"name"`
	Has  bool   `json:"has"` // the newest, as far as this life of the node knows
}

// keepsakeWait is how long a friend that is here may take to get a keepsake that
// somebody waits for.
const keepsakeWait = 10 * time.Second

// Keepsake tells what friends keep; with now, a backup and a keepsake are made
// first. Errors: *OlderCopyError.
func (n *Node) Keepsake(ctx context.Context, now bool) (KeepsakeView, error) {
	if now {
		if err := n.writable(); err != nil {
			return KeepsakeView{}, err
		}
		if err := n.backup(ctx, true); err != nil {
			return KeepsakeView{}, err
		}
		if err := n.lookRecent(ctx, true); err != nil {
			return KeepsakeView{}, err
		}
		if _, err := n.leave(ctx); err != nil {
			return KeepsakeView{}, err
		}
		wait, cancel := context.WithTimeout(ctx, keepsakeWait)
		defer cancel()
		_ = n.post.cycle.TriggerWait(wait) // who didn't get it in time gets it later
	}
	v := KeepsakeView{Epoch: n.epoch.number(), Friends: []KeepsakeWith{}}
	k, found, err := n.ownKeepsake(ctx)
	if err != nil {
		return v, err
	}
	if found {
		v.Serial, v.Time = k.Serial, k.Time
	}
	b, _, err := n.backupRow(ctx, cursorBackup)
	if err != nil {
		return v, err
	}
	v.Backup = b.Time
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return v, n.checked(err)
	}
	for _, a := range accounts {
		if a.Friend {
			key := signed.Identity{Kind: signed.KindKeepsake, Issuer: n.self}
			v.Friends = append(v.Friends, KeepsakeWith{Name: a.Name, Has: found && n.post.has(a.Peer, key) >= k.Number()})
		}
	}
	skip, err := n.backups(ctx)
	if err != nil {
		return v, err
	}
	err = n.book.Files(ctx, func(f ledger.File) error {
		if !skip[f.Index] {
			v.Files++
		}
		return nil
	})
	return v, n.checked(err)
}
