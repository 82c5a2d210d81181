package node

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/ledger"
)

// shareIDs draws ascending shares, many of them near each other.
func shareIDs(t *rapid.T, name string) []potluck.ShareID {
	set := make(map[potluck.ShareID]bool)
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 60), 0, 40).Draw(t, name) {
		set[potluck.ShareID{Index: potluck.StorageIndex{byte(n / 4)}, Number: potluck.ShareNumber(n % 4)}] = true
	}
	return slices.SortedFunc(maps.Keys(set), potluck.ShareID.Compare)
}

func rowsOf(ids []potluck.ShareID) []ledger.ShareRow {
	rows := make([]ledger.ShareRow, len(ids))
	for i, id := range ids {
		rows[i] = ledger.ShareRow{ID: id, State: ledger.ShareStable}
	}
	return rows
}

// behind gives at most limit of the shares behind one, as a store and books do.
func behind(ids []potluck.ShareID, after potluck.ShareID, limit int) []potluck.ShareID {
	for len(ids) > 0 && after != (potluck.ShareID{}) && ids[0].Compare(after) <= 0 {
		ids = ids[1:]
	}
	return ids[:min(limit, len(ids))]
}

// TestSidesMeetInSlices: walked in slices of any length, every share of either
// side comes once, in order, and with what the sides say.
func TestSidesMeetInSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names, rows := shareIDs(t, "names"), shareIDs(t, "rows")
		limit := rapid.IntRange(2, 12).Draw(t, "limit")
		model := make(map[potluck.ShareID][2]bool)
		for _, id := range names {
			model[id] = [2]bool{true, false}
		}
		for _, id := range rows {
			model[id] = [2]bool{model[id][0], true}
		}
		var last potluck.ShareID
		steps := 0
		for after, more := (potluck.ShareID{}), true; more; {
			var n []potluck.ShareID
			var r []ledger.ShareRow
			end := after
			n, r, end, more = stretch(behind(names, after, limit), rowsOf(behind(rows, after, limit)), limit)
			for p := range sideBySide(n, r) {
				want, there := model[p.id]
				if !there || want != [2]bool{p.named, p.row != nil} || p.row != nil && p.row.ID != p.id {
					t.Fatalf("share %v: named %v, row %v, want %v", p.id, p.named, p.row != nil, want)
				}
				if steps > 0 && last.Compare(p.id) >= 0 {
					t.Fatalf("share %v follows %v", p.id, last)
				}
				delete(model, p.id)
				last = p.id
				steps++
			}
			if more && (end.Compare(after) <= 0 || steps == 0) {
				t.Fatalf("the slice behind %v ends at %v", after, end)
			}
			after = end
		}
		if len(model) > 0 {
			t.Fatalf("never came: %v", model)
		}
	})
}

// TestFaultsOfEveryState: what is wrong with a share, for every state of its row
// and all that can be seen of its bytes.
func TestFaultsOfEveryState(t *testing.T) {
	for state, want := range map[ledger.ShareState][sights]fault{
		// nothing, whole, other, damage, unknown
		noRow:               {faultNone, faultNoRow, faultNoRow, faultWreck, faultNone},
		ledger.ShareComing:  {faultNone, faultNone, faultNone, faultNone, faultNone},
		ledger.ShareStable:  {faultLost, faultNone, faultOther, faultCorrupt, faultNone},
		ledger.ShareGoing:   {faultNone, faultNone, faultNone, faultNone, faultNone},
		ledger.ShareLost:    {faultNone, faultReturn, faultNone, faultNone, faultNone},
		ledger.ShareCorrupt: {faultNone, faultReturn, faultNone, faultNone, faultNone},
	} {
		if faults[state] != want {
			t.Errorf("state %v: faults are %v, want %v", state, faults[state], want)
		}
	}
	if len(faults) != 6 {
		t.Errorf("%d states have faults, want 6", len(faults))
	}
}
