package node

import (
	"iter"
	"slices"

	"potluck"
	"potluck/ledger"
)

// A crawl holds the store against the books. What is wrong with a share follows
// from two things alone: the state of its row, and what is seen of its bytes.

// sight is what the store shows of one share.
type sight uint8

const (
	seenNothing sight = iota // no bytes
	seenWhole                // a share as its row says; without a row: a share
	seenOther                // a share, but another than its row says
	seenDamage               // no share
	seenUnknown              // it can't be looked at now: never taken for absent
	sights
)

// fault is what is wrong with one share.
type fault uint8

const (
	faultNone    fault = iota
	faultLost          // the books have a share, the store has nothing
	faultCorrupt       // the books have a share, the store has no share any more
	faultOther         // the books have a share, the store has another one
	faultNoRow         // the store has a share, the books have none
	faultWreck         // the store has what is no share, the books have none
	faultReturn        // marked as lost or corrupt, and what is seen says otherwise
)

// noRow is the state of a share that the books don't have.
const noRow ledger.ShareState = 0

// faults is the table. Of COMING and GOING shares any bytes may be there.
var faults = [...][sights]fault{
	noRow:               {seenWhole: faultNoRow, seenOther: faultNoRow, seenDamage: faultWreck},
	ledger.ShareComing:  {},
	ledger.ShareStable:  {seenNothing: faultLost, seenOther: faultOther, seenDamage: faultCorrupt},
	ledger.ShareGoing:   {},
	ledger.ShareLost:    {seenWhole: faultReturn},
	ledger.ShareCorrupt: {seenWhole: faultReturn},
}

// twin is one share that the store names, or the books, or both.
type twin struct {
	id    potluck.ShareID
	row   *ledger.ShareRow // nil: the books have none
	named bool             // something lies in its place in the store
}

// state is that of the row.
func (p twin) state() ledger.ShareState {
	if p.row == nil {
		return noRow
	}
	return p.row.State
}

// sideBySide walks two ascending sequences side by side.
func sideBySide(names []potluck.ShareID, rows []ledger.ShareRow) iter.Seq[twin] {
	return func(yield func(twin) bool) {
		for len(names) > 0 || len(rows) > 0 {
			order := -1 // of the first name and the first row
			switch {
			case len(names) == 0:
				order = 1
			case len(rows) > 0:
				order = names[0].Compare(rows[0].ID)
			}
			var p twin
			if order <= 0 {
				p, names = twin{id: names[0], named: true}, names[1:]
			}
			if order >= 0 {
				p.id, p.row, rows = rows[0].ID, &rows[0], rows[1:]
			}
			if !yield(p) {
				return
			}
		}
	}
}

// stretch cuts two slices that begin at the same place, and of which each is full
// when it has limit entries, to the part that both of them cover. end is its last
// share; more tells whether something may follow.
func stretch(names []potluck.ShareID, rows []ledger.ShareRow, limit int) (_ []potluck.ShareID, _ []ledger.ShareRow, end potluck.ShareID, more bool) {
	fullNames, fullRows := len(names) >= limit, len(rows) >= limit
	if !fullNames && !fullRows {
		return names, rows, end, false
	}
	switch {
	case !fullRows:
		end = names[len(names)-1]
	case !fullNames:
		end = rows[len(rows)-1].ID
	default:
		end = names[len(names)-1]
		if last := rows[len(rows)-1].ID; last.Compare(end) < 0 {
			end = last
		}
	}
	at, found := slices.BinarySearchFunc(names, end, potluck.ShareID.Compare)
	if found {
		at++
	}
	names = names[:at]
	at, found = slices.BinarySearchFunc(rows, end, func(r ledger.ShareRow, id potluck.ShareID) int { return r.ID.Compare(id) })
	if found {
		at++
	}
	return names, rows[:at], end, true
}
