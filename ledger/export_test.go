package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// manyBooks has rows of every kind that an export has.
func manyBooks(t *testing.T) (*Book, *clock) {
	t.Helper()
	b, c := booksD(t, personP, personX)
	for n := range 20 {
		p := []person{personP, personX}[n%2]
		if err := b.Store(t.Context(), p.id, roomy, Reservation{Share: shareID(n, 0), Layout: layout, Charge: 1, Until: c.now()}, digest(1), digest(2)); err != nil {
			if _, err := b.Adopt(t.Context(), []Found{found(n, "")}, c.now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := b.Cancel(t.Context(), Anonymous, []potluck.ShareID{shareID(3, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := b.MarkShare(t.Context(), shareID(4, 0), ShareLost, "a \"reason\" <&> ü"); err != nil {
		t.Fatal(err)
	}
	p := Placement{Share: shareID(5, 0), Host: personP.id, Layout: layout, Charge: 30, Root: digest(3), Receipt: []byte{1, 2, 3}, State: PlacedStable}
	f := File{Index: shareID(5, 0).Index, Layout: layout, Name: "h: not bytes", Put: 5, Wanted: 1, Cap: "a cap"}
	if err := b.PlaceFile(t.Context(), []Placement{p}, f); err != nil {
		t.Fatal(err)
	}
	now := c.now().Unix()
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 50)))
	accept(t, b, OutcomeConflict, personP.order(1, now, to(personX, 51)))
	if err := b.SetCursor(t.Context(), "crawl", []byte{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := b.Record(t.Context(), []Past{{Peer: personP.id, Day: DayOf(now), Deeds: Deeds{Held: 1 << 60, Of: 3}}}); err != nil {
		t.Fatal(err)
	}
	if err := b.AddInvite(t.Context(), Invite{ID: InviteID{7}, Secret: InviteSecret([]byte("secret of invites")[:16]), Name: "carol", Terms: DefaultTerms(), Created: 1, Expires: now + 1000, State: InviteLive}); err != nil {
		t.Fatal(err)
	}
	clean(t, b)
	return b, c
}

func exported(t testing.TB, b *Book) string {
	t.Helper()
	var out bytes.Buffer
	if err := b.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func importInto(t *testing.T, dir string, c *clock, text string) error {
	cfg := config(dir, c)
	cfg.Self = personD.id
	return Import(t.Context(), cfg, strings.NewReader(text))
}

// What was exported and imported exports the same, and goes on.
func TestExportIsImported(t *testing.T) {
	b, c := manyBooks(t)
	text := exported(t, b)
	if strings.Contains(text, hex.EncodeToString([]byte("secret of"))) {
		t.Error("the secret of an invite was exported")
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(text) {
		for _, name := range exportRows {
			seen[name] = seen[name] || strings.Contains(line, `"row":"`+name+`"`)
		}
	}
	for _, name := range exportRows {
		if !seen[name] && name != "rate" && name != "behind" && name != "dispute" && name != "proven" {
			t.Errorf("no row of kind %s in the export", name)
		}
	}
	dir := filepath.Join(t.TempDir(), "books")
	if err := importInto(t, dir, c, text); err != nil {
		t.Fatal(err)
	}
	again := openD(t, dir, c)
	if second := exported(t, again); second != text {
		t.Errorf("exported again:\n%s\nwas\n%s", second, text)
	}
	if again.Unclean() {
		t.Error("imported books count as killed")
	}
	a, err := b.Head(t.Context())
	h, err2 := again.Head(t.Context())
	if err != nil || err2 != nil || a != h {
		t.Error(a, h, err, err2)
	}
	if i, err := again.Invite(t.Context(), InviteID{7}); err != nil || i.State != InviteRevoked || i.Secret != (InviteSecret{}) {
		t.Error(i, err)
	}
	for _, p := range []peer.ID{personP.id, personX.id, Anonymous} {
		if usageOf(t, b, p) != usageOf(t, again, p) {
			t.Errorf("usage of %v differs", p)
		}
	}
	note(t, again, 1, "goes on")
	clean(t, again)
}

// A line that is damaged, missing, twice or moved is named, and nothing is imported.
func TestDamagedExportIsRefused(t *testing.T) {
	b, c := manyBooks(t)
	lines := strings.SplitAfter(exported(t, b), "\n")
	lines = lines[:len(lines)-1]
	n := len(lines)
	with := func(at int, line ...string) string {
		all := append(append([]string(nil), lines[:at]...), line...)
		return strings.Join(append(all, lines[at+1:]...), "")
	}
	for _, tt := range []struct{ name, text, line string }{
		{"nothing", "", "line 0"},
		{"cut", strings.Join(lines[:n-1], ""), fmt.Sprintf("line %d", n-1)},
		{"cut within a line", strings.Join(lines[:9], "") + lines[9][:20], "line 10"},
		{"no head", with(0), "line 1"},
		{"a line missing", with(7), "line 8"},
		{"a line twice", with(7, lines[7], lines[7]), "line 9"},
		{"lines changed places", with(7, lines[8], lines[7]), "line 8"},
		{"a letter more", with(7, strings.Replace(lines[7], `"row":"`, `"row":"x`, 1)), "line 8"},
		{"a blank more", with(7, strings.Replace(lines[7], `:`, `: `, 1)), "line 8"},
		{"no JSON", with(7, "what\n"), "line 8"},
		{"after the end", with(n-1, lines[n-1], lines[n-1]), fmt.Sprintf("line %d", n+1)},
	} {
		dir := filepath.Join(t.TempDir(), "books")
		err := importInto(t, dir, c, tt.text)
		if !errors.Is(err, ErrImport) || !strings.Contains(err.Error(), tt.line+" ") && !strings.Contains(err.Error(), tt.line+":") && !strings.Contains(err.Error(), tt.line+",") {
			t.Errorf("%s: %v, want one of %s", tt.name, err, tt.line)
		}
		for _, left := range []string{dir, dir + ".importing"} {
			if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %s is left", tt.name, left)
			}
		}
	}
}

// Rows that are whole and contradict each other aren't imported either; nor are
// another node's, nor into books.
func TestWrongExportIsRefused(t *testing.T) {
	b, c := manyBooks(t)
	text := exported(t, b)
	dir := filepath.Join(t.TempDir(), "books")
	var sum, told exportSum
	var forged strings.Builder
	for line := range strings.Lines(text) {
		l, err := sum.parseLine([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		if l.Row == "totals" {
			if l.Value, err = plainOf(encodeUsage(Usage{Held: 1, HeldShares: 1})); err != nil {
				t.Fatal(err)
			}
		}
		out, err := told.seal(l)
		if err != nil {
			t.Fatal(err)
		}
		forged.Write(append(out, '\n'))
	}
	if err := importInto(t, dir, c, forged.String()); !errors.Is(err, ErrImport) || !strings.Contains(err.Error(), "totals") {
		t.Error(err)
	}
	other := config(dir, c)
	if err := Import(t.Context(), other, strings.NewReader(text)); !errors.Is(err, ErrInvalid) {
		t.Error("another node's:", err)
	}
	if err := importInto(t, dir, c, text); err != nil {
		t.Fatal(err)
	}
	if err := importInto(t, dir, c, text); !errors.Is(err, ErrInvalid) {
		t.Error("over books:", err)
	}
}

// A line that is taken has one form.
func FuzzExportLine(f *testing.F) {
	var sum exportSum
	for _, l := range []exportLine{{Form: 1, Self: "x", Time: 5}, {Row: "cursor", Key: "61", Bytes: "00"}, {Rows: new(int64)},
		{Row: "usage", Key: "0161", Value: []any{1, 2, true, "h:00", "t:x", map[string]any{"3": 4}}}} {
		text, err := sum.seal(l)
		if err != nil {
			f.Fatal(err)
		}
		sum = exportSum{}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s, again exportSum
		l, err := s.parseLine(text)
		if err != nil {
			return
		}
		if out, err := again.seal(l); err != nil || !bytes.Equal(out, text) {
			t.Errorf("%q became %q, %v", text, out, err)
		}
		key, value, err := l.row()
		if err != nil || key[0] == keyEvent || key[0] == keyCursor || key[0] == keyInvite {
			return
		}
		if back, err := lineOf(l.Row, key, value); err == nil {
			var s exportSum
			if out, err := s.seal(back); err != nil || len(out) == 0 {
				t.Error(err)
			}
		}
	})
}
