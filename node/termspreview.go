package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"potluck"
	"potluck/files"
	"potluck/ledger"
)

// TermsPreview tells what a change of terms would change. Nothing is changed by it.
type TermsPreview struct {
	Party
	AsOf     int64         `json:"as_of"`
	Terms    ledger.Terms  `json:"terms"`    // as they would be
	Before   potluck.Size  `json:"before"`   // what it could add here now, room aside
	After    potluck.Size  `json:"after"`    // and then
	Room     potluck.Size  `json:"room"`     // what this node can take, whoever asks
	Left     potluck.Size  `json:"left"`     // of the room, when it has added all that it could then
	Others   []TermsEffect `json:"others"`   // whose free credit changes too: those whom it points to
	Sentence string        `json:"sentence"` // all of it
}

// TermsEffect is what one peer could add before and after.
type TermsEffect struct {
	Party
	Before potluck.Size `json:"before"`
	After  potluck.Size `json:"after"`
}

// PreviewTerms tells what SetTerms would change. Errors are those of SetTerms.
func (n *Node) PreviewTerms(ctx context.Context, a ledger.Account, c TermsChange) (TermsPreview, error) {
	now := n.config.Clock().Unix()
	change := c.on(now)
	before, after, err := n.book.PreviewUpdate(ctx, a.Peer, change)
	var usage *files.UsageError
	if errors.As(err, &usage) {
		return TermsPreview{}, usage
	}
	if err != nil {
		return TermsPreview{}, n.checked(err)
	}
	status, err := n.Status(ctx)
	if err != nil {
		return TermsPreview{}, err
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return TermsPreview{}, n.checked(err)
	}
	ns := namesOf(accounts, n.self)
	v := TermsPreview{Party: ns.party(a.Peer), AsOf: now, Room: status.Room, Others: []TermsEffect{}}
	if _, differs := after[a.Peer]; !differs {
		w, err := n.book.Credit(ctx, a.Peer)
		if err != nil {
			return v, n.checked(err)
		}
		before[a.Peer], after[a.Peer] = w.Free, w.Free
	}
	v.Before, v.After = before[a.Peer], after[a.Peer]
	v.Left = max(0, v.Room-v.After)
	for p := range after {
		if p != a.Peer {
			v.Others = append(v.Others, TermsEffect{ns.party(p), before[p], after[p]})
		}
	}
	slices.SortFunc(v.Others, func(a, b TermsEffect) int { return byName(a.Party, b.Party) })
	_ = change(&a) // it was good a moment ago
	v.Terms = a.Terms
	v.Sentence = v.sentence()
	return v, nil
}

// sentence says it all in one.
func (v TermsPreview) sentence() string {
	gap := v.After - v.Before
	what := fmt.Sprintf("%s could store %s more", v.Name, amount(min(v.After, v.Room)))
	switch {
	case gap > 0:
		what += fmt.Sprintf(" (%s more than now)", amount(gap))
	case gap < 0:
		what += fmt.Sprintf(" (%s less than now); what it has stays", amount(-gap))
	default:
		what += ", as now"
	}
	return fmt.Sprintf("%s; you would still have %s free", what, amount(v.Left))
}
