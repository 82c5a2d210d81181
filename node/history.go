package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// HistoryView is what was counted for one account, by days. Days are those of UTC.
type HistoryView struct {
	Peer      peer.ID      `json:"peer"`
	Name      string       `json:"name"`
	AsOf      int64        `json:"as_of"`
	From      string       `json:"from"` // the first day, as 2006-01-02
	To        string       `json:"to"`   // the last day, included
	Days      []HistoryDay `json:"days"` // those on which anything was counted, by date
	Sum       ledger.Deeds `json:"sum"`
	UptimePPM int64        `json:"uptime_ppm"` // of the windows in which this node would have seen the peer; 0 of none
	Paid      potluck.Size `json:"paid"`       // the paid term as it is now
	PaidUntil int64        `json:"paid_until"`
	Proof     ProofView    `json:"proof"`
}

// HistoryDay is one day of a history. Its figures add up until the day is over.
type HistoryDay struct {
	Date string `json:"date"`
	ledger.Deeds
}

// ProofView tells whether what a host holds counts.
type ProofView struct {
	ledger.Proof
	Until      int64        `json:"until"`           // when it lapses unless a good audit comes; 0: never, or nothing is held
	Audits     int64        `json:"audits_a_day"`    // what the host is asked for a day, as it holds so much now
	AuditBytes potluck.Size `json:"audit_bytes_day"` // the most that may move
}

// ParseDay reads a date as 2006-01-02.
func ParseDay(text string) (day int64, err error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Unix() < 0 {
		return 0, usagef("%q is no date like 2026-01-31", text)
	}
	return ledger.DayOf(t.Unix()), nil
}

func dateOf(day int64) string { return time.Unix(day*daySeconds, 0).UTC().Format(time.DateOnly) }

// Today is this day in UTC.
func (n *Node) Today() int64 { return ledger.DayOf(n.config.Clock().Unix()) }

// History gives what was counted for an account from one day to another, both
// included, at most ledger.HistoryDays of them.
func (n *Node) History(ctx context.Context, a ledger.Account, from, to int64) (HistoryView, error) {
	if from > to || to-from >= ledger.HistoryDays {
		return HistoryView{}, usagef("history from %s to %s: want 1 to %d days", dateOf(from), dateOf(to), ledger.HistoryDays)
	}
	rows, err := n.book.History(ctx, a.Peer, from, to)
	if err != nil {
		return HistoryView{}, n.checked(err)
	}
	v := HistoryView{Peer: a.Peer, Name: a.Name, AsOf: n.config.Clock().Unix(), From: dateOf(from), To: dateOf(to),
		Days: make([]HistoryDay, len(rows)), Paid: a.Terms.Paid, PaidUntil: a.Terms.PaidUntil}
	for i, r := range rows {
		v.Days[i] = HistoryDay{dateOf(r.Day), r.Deeds}
		v.Sum = v.Sum.Plus(r.Deeds)
	}
	if v.Sum.Of > 0 {
		v.UptimePPM = v.Sum.Seen * 1_000_000 / v.Sum.Of
	}
	v.Proof, err = n.proofOf(ctx, a.Peer)
	return v, err
}

// DeedsOn gives what was counted on one day, by peer; nothing for those of whom
// nothing was.
func (n *Node) DeedsOn(ctx context.Context, day int64) (map[peer.ID]ledger.Deeds, error) {
	all, err := n.book.DeedsOn(ctx, day)
	return all, n.checked(err)
}

func (n *Node) proofOf(ctx context.Context, p peer.ID) (v ProofView, err error) {
	if v.Proof, err = n.book.Proof(ctx, p); err != nil {
		return v, n.checked(err)
	}
	u, err := n.book.Usage(ctx, p)
	if err != nil {
		return v, n.checked(err)
	}
	if u.EarnedShares == 0 {
		return v, nil
	}
	if n.config.ProofDays > 0 && !v.Lapsed {
		v.Until = v.Proven + int64(n.config.ProofDays)*daySeconds
	}
	v.Audits, v.AuditBytes = n.audit.daily(p)
	return v, nil
}

// showEvidence gives evidence a form for JSON.
func showEvidence(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	if json.Valid(b) {
		return b
	}
	return json.RawMessage(`"` + hex.EncodeToString(b) + `"`)
}
