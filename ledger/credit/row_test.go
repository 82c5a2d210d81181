package credit

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// What is done by rows comes out as what is done by IDs.
func TestRowsAreThePeers(t *testing.T) {
	ids := []ID{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(t *rapid.T) {
		byID, byRow := New(2), New(2)
		rows := map[ID]Row{}
		row := func(x ID) Row {
			if rows[x] == (Row{}) {
				rows[x] = byRow.Row(x)
			}
			return rows[x]
		}
		size := func(label string) potluck.Size { return potluck.Size(rapid.Int64Range(0, 50).Draw(t, label)) }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			x, y := rapid.SampledFrom(ids).Draw(t, "x"), rapid.SampledFrom(ids).Draw(t, "y")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				p := Peer{Friend: rapid.Bool().Draw(t, "friend"), RatioPPM: million, Earned: size("earned"), Opening: size("opening"), Held: size("held")}
				row(x).Put(p)
				p.ID = x
				byID.Put(p)
			case 2:
				a := []Arc{{To: y, Limit: size("limit"), SharePPM: NoShare}}
				byID.SetArcs(x, a)
				byRow.SetArcs(x, a)
			case 3:
				byID.SetArcs(x, nil)
				byRow.SetArcs(x, nil)
			case 4:
				byID.Remove(x)
				byRow.Remove(x)
				delete(rows, x)
			}
			asked := size("asked")
			if got, want := row(y).Fits(asked), byID.Fits(y, asked); got != want {
				t.Fatalf("%v of %s fit by its row: %v, by its ID: %v", asked, y, got, want)
			}
			if got, want := byRow.Shortfalls(), byID.Shortfalls(); !reflect.DeepEqual(got, want) {
				t.Fatalf("short by rows: %v, by IDs: %v", got, want)
			}
		}
	})
}
