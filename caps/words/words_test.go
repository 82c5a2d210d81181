package words

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// vector is one of those that BIP-39 publishes for 256 bits.
type vector struct {
	Seed  string `json:"seed"`
	Words string `json:"words"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec", "vectors", "words.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 8 {
		t.Fatalf("%d vectors, want at least 8", len(all))
	}
	return all
}

// TestList: the official list, to the byte, and what Decode relies on.
func TestList(t *testing.T) {
	const want = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
	if sum := sha256.Sum256([]byte(english)); hex.EncodeToString(sum[:]) != want {
		t.Errorf("the list has SHA-256 %x, want %s", sum, want)
	}
	list := List()
	if len(list) != 1<<bits || !slices.IsSorted(list) {
		t.Fatalf("%d words, sorted: %v", len(list), slices.IsSorted(list))
	}
	short := make(map[string]bool)
	for _, w := range list {
		short[w[:min(len(w), shortest)]] = true
		if len(w) < 3 || len(w) > 8 {
			t.Errorf("%q has %d letters", w, len(w))
		}
	}
	if len(short) != len(list) {
		t.Errorf("%d beginnings of %d letters, want %d", len(short), shortest, len(list))
	}
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		raw, err := hex.DecodeString(v.Seed)
		if err != nil {
			t.Fatal(err)
		}
		seed := [SeedLen]byte(raw)
		if got := strings.Join(Encode(seed), " "); got != v.Words {
			t.Errorf("%s became\n%s, want\n%s", v.Seed, got, v.Words)
		}
		if got, err := Decode(v.Words); err != nil || got != seed {
			t.Errorf("%s became %x and %v", v.Words, got, err)
		}
	}
}

func TestDecodeTakesWhatPeopleWrite(t *testing.T) {
	v := vectors(t)[4]
	want, _ := Decode(v.Words)
	var short []string
	for _, w := range strings.Fields(v.Words) {
		short = append(short, w[:min(len(w), shortest)])
	}
	for _, text := range []string{strings.ToUpper(v.Words), "\n " + strings.ReplaceAll(v.Words, " ", "\n\t") + "\n", strings.Join(short, " "),
		numbered(strings.Fields(v.Words), "%d %s  "), numbered(strings.Fields(v.Words), "%02d. %s\n")} {
		if got, err := Decode(text); err != nil || got != want {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
}

func numbered(list []string, form string) (text string) {
	for i, w := range list {
		text += fmt.Sprintf(form, i+1, w)
	}
	return text
}

// TestDecodeRefuses: each kind of mistake is told as what it is.
func TestDecodeRefuses(t *testing.T) {
	good := strings.Fields(vectors(t)[4].Words)
	change := func(f func([]string) []string) string { return strings.Join(f(slices.Clone(good)), " ") }
	for name, c := range map[string]struct {
		text string
		want Error
		say  string
	}{
		"none":     {"", Error{Kind: KindCount}, "0 words, want 24"},
		"12":       {strings.Join(good[:12], " "), Error{Kind: KindCount, Got: 12}, "12 words, want 24"},
		"25":       {strings.Join(good, " ") + " zoo", Error{Kind: KindCount, Got: 25}, "25 words, want 24"},
		"typo":     {change(func(w []string) []string { w[2] = "lisst"; return w }), Error{Kind: KindUnknown, At: 3, Word: "lisst", Nearest: "list"}, `the nearest is "list"`},
		"swapped":  {change(func(w []string) []string { w[0] = "dingity"; return w }), Error{Kind: KindUnknown, At: 1, Word: "dingity", Nearest: "dignity"}, `word 1, "dingity"`},
		"no word":  {change(func(w []string) []string { w[23] = "xqzwvk"; return w }), Error{Kind: KindUnknown, At: 24, Word: "xqzwvk"}, `word 24, "xqzwvk", is not in the list`},
		"german":   {change(func(w []string) []string { w[5] = "übergrößenträger"; return w }), Error{Kind: KindUnknown, At: 6, Word: "übergrößenträger"}, "not in the list"},
		"checksum": {change(func(w []string) []string { w[7] = "abandon"; return w }), Error{Kind: KindChecksum}, "checksum is wrong"},
		"places":   {change(func(w []string) []string { w[3], w[4] = w[4], w[3]; return w }), Error{Kind: KindChecksum}, "changed places"},
		"long":     {strings.Repeat("x ", MaxText), Error{Kind: KindLong, Got: 2 * MaxText}, "text of more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(c.text)
			var e *Error
			if !errors.As(err, &e) || *e != c.want {
				t.Fatalf("%#v, want %#v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.say) {
				t.Errorf("%q doesn't say %q", err, c.say)
			}
		})
	}
}

// TestEveryWrongWordIsNoticedOften: a wrong word passes the checksum once in 256.
func TestEveryWrongWordIsNoticedOften(t *testing.T) {
	good, list, passed := strings.Fields(vectors(t)[6].Words), List(), 0
	for _, w := range list {
		text := slices.Clone(good)
		text[11] = w
		if _, err := Decode(strings.Join(text, " ")); err == nil {
			passed++
		}
	}
	if passed < 2 || passed > 24 {
		t.Errorf("%d of %d words pass in one place", passed, len(list))
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := [SeedLen]byte(rapid.SliceOfN(rapid.Byte(), SeedLen, SeedLen).Draw(t, "seed"))
		if got, err := Decode(strings.Join(Encode(seed), " ")); err != nil || got != seed {
			t.Fatalf("%x became %x and %v", seed, got, err)
		}
	})
}

// TestDistance: against the plain recursion.
func TestDistance(t *testing.T) {
	var dumb func(a, b string) int
	dumb = func(a, b string) int {
		if len(a) == 0 || len(b) == 0 {
			return len(a) + len(b)
		}
		cost := 1
		if a[0] == b[0] {
			cost = 0
		}
		d := min(dumb(a[1:], b)+1, dumb(a, b[1:])+1, dumb(a[1:], b[1:])+cost)
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			d = min(d, dumb(a[2:], b[2:])+1)
		}
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc]{0,5}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if distance(a, b) != dumb(a, b) {
			t.Fatalf("%q and %q: %d, want %d", a, b, distance(a, b), dumb(a, b))
		}
	})
}

// FuzzDecode: whatever is read is written as the same words.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Words)
	}
	f.Add("abandon zoo")
	f.Fuzz(func(t *testing.T, text string) {
		seed, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Decode(strings.Join(Encode(seed), " "))
		if err != nil || !bytes.Equal(again[:], seed[:]) {
			t.Errorf("%q: %x became %x and %v", text, seed, again, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	v := vectors(b)[4]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(v.Words); err != nil {
			b.Fatal(err)
		}
	}
}
