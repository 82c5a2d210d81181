package caps

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"potluck"
)

type capVectors struct {
	About string
	Valid []struct {
		Kind, Text, Verify string
		Layout             potluck.Layout
		Key, Index, Data   hexBytes
		Manifest           potluck.Digest
	}
	Invalid []struct {
		Name, Text, Mistake  string
		Have, Want, Position int
	}
}

func loadCaps(t testing.TB) (v capVectors) {
	load(t, "caps.json", &v)
	if len(v.Valid) < 14 || len(v.Invalid) < 39 {
		t.Fatalf("%d valid and %d invalid caps, want at least 14 and 38", len(v.Valid), len(v.Invalid))
	}
	return v
}

func TestCapVectors(t *testing.T) {
	for _, v := range loadCaps(t).Valid {
		var want Cap
		switch v.Kind {
		case "read":
			want = Read{Layout: v.Layout, Key: Key(v.Key), Manifest: v.Manifest}
		case "verify":
			want = Verify{Layout: v.Layout, Index: potluck.StorageIndex(v.Index), Manifest: v.Manifest}
		case "literal":
			want = Literal{Data: []byte(v.Data)}
		}
		got, err := Parse(v.Text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v, %v", v.Text, got, err)
		}
		if want.Text() != v.Text {
			t.Errorf("text %s, want %s", want.Text(), v.Text)
		}
		if r, ok := got.(Read); ok {
			x := r.Index()
			if r.Verify().Text() != v.Verify || r.Verify().Index != x || !bytes.Equal(x[:], v.Index) {
				t.Errorf("verify cap %s, want %s", r.Verify().Text(), v.Verify)
			}
		}
	}
}

func TestInvalidVectors(t *testing.T) {
	for _, v := range loadCaps(t).Invalid {
		got, err := Parse(v.Text)
		var e *ParseError
		if got != nil || !errors.As(err, &e) {
			t.Errorf("%s: %v, %v", v.Name, got, err)
			continue
		}
		if e.Kind.String() != v.Mistake || e.Have != v.Have || e.Want != v.Want || e.Position != v.Position {
			t.Errorf("%s: %v %d %d %d (%v), want %s %d %d %d", v.Name, e.Kind, e.Have, e.Want, e.Position, e, v.Mistake, v.Have, v.Want, v.Position)
		}
		if (e.Kind == Invalid) != (errors.Unwrap(err) != nil) {
			t.Errorf("%s: cause %v", v.Name, errors.Unwrap(err))
		}
	}
}

func TestParseErrorSentences(t *testing.T) {
	r := Read{Layout: potluck.Layout{Suite: 1, K: 3, N: 10, Block: 1 << 18, Size: 1 << 30}, Key: Key{1}}.Text()
	for text, want := range map[string]string{
		"report.pdf":               `not a cap: this text of 10 characters doesn't begin with "potluck1"; copy the whole cap again`,
		"potluck3" + r[8:]:         `cap has version 3, and this program reads version 1; get a newer one`,
		"potluck1w" + r[9:]:        `cap is of kind 'w', and this program knows r (read), v (verify) and l (literal); get a newer one`,
		r[:100]:                    `read cap is cut off: it has 100 characters of 144; copy the whole cap again`,
		"potluck1":                 `cap is cut off: it has 8 characters of at least 19; copy the whole cap again`,
		r + "zz":                   `read cap is too long: it has 146 characters instead of 144; remove what follows it`,
		r[:40] + "0" + r[41:]:      `read cap has a wrong character: '0' at position 41 is none of a-z and 2-7; copy the cap again`,
		r + "\n":                   `read cap has a wrong character: white space '\n' at position 145; remove it`,
		strings.ToUpper(r):         `cap has a wrong character: 'P' at position 1 is upper case; write the whole cap in lower case`,
		r[:99] + "bcd" + r[102:]:   `read cap is mistyped: the checksum doesn't fit its 144 characters; copy the whole cap again`,
		sealLayout(2, 3, 10, 1024): `read cap uses suite 2, and this program knows suite 1; get a newer one`,
		sealLayout(1, 4, 3, 1024):  `read cap names no possible file: layout: 4-of-3 is not between 1-of-1 and 255-of-255; ask whoever made it for another`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%.20q...: %v, want %s", text, err, want)
		}
	}
}

func sealLayout(suite, k, n uint8, block uint32) string {
	return Read{Layout: potluck.Layout{Suite: suite, K: k, N: n, Block: block, Size: 1}}.Text()
}

func TestEveryMistakeHasAWord(t *testing.T) {
	for k := NotACap; k <= Invalid; k++ {
		if k.String() == "unknown" {
			t.Errorf("kind %d has no word", k)
		}
	}
	if ParseKind(-1).String() != "unknown" || (Invalid+1).String() != "unknown" || ParseKind(0).String() != "unknown" {
		t.Error("a kind outside the table has a word")
	}
}

// someCap draws a valid cap of any kind.
func someCap(t *rapid.T) Cap {
	fill := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes") }
	n := rapid.IntRange(1, 255).Draw(t, "n")
	l := potluck.Layout{Suite: 1, N: uint8(n), K: uint8(rapid.IntRange(1, n).Draw(t, "k")),
		Block: 1 << rapid.IntRange(10, 18).Draw(t, "block"), Size: potluck.Size(rapid.Int64Range(1, int64(potluck.MaxSize)).Draw(t, "size"))}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return Read{Layout: l, Key: Key(fill(32)), Manifest: potluck.Digest(fill(32))}
	case 1:
		return Verify{Layout: l, Index: potluck.StorageIndex(fill(16)), Manifest: potluck.Digest(fill(32))}
	}
	return Literal{Data: rapid.SliceOfN(rapid.Byte(), 0, LiteralMax).Draw(t, "data")}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := someCap(t)
		text := c.Text()
		if strings.Trim(text, alphabet+"1") != "" || len(text) > 224 {
			t.Fatalf("%d characters: %s", len(text), text)
		}
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%v, %v, want %v", got, err, c)
		}
	})
}

// TestEveryMistakeIsFound makes one mistake in a valid cap.
func TestEveryMistakeIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := someCap(t).Text()
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		wrong := text
		switch rapid.IntRange(0, 4).Draw(t, "mistake") {
		case 0:
			wrong = text[:at]
		case 1:
			wrong = text[:at] + text[at+1:]
		case 2:
			wrong = text[:at] + string(rapid.SampledFrom([]byte(alphabet+"0189A-= \n")).Draw(t, "character")) + text[at+1:]
		case 3:
			wrong = text[:at] + string(rapid.Rune().Draw(t, "rune")) + text[at:]
		case 4:
			if at > 0 {
				wrong = text[:at-1] + text[at:at+1] + text[at-1:at] + text[at+1:]
			}
		}
		c, err := Parse(wrong)
		if wrong == text {
			return
		}
		if c != nil || err == nil {
			t.Fatalf("%s passes as %v", wrong, c)
		}
		checkError(t, wrong, err)
	})
}

// checkError tells whether err is a whole ParseError that gives nothing away.
func checkError(t interface{ Fatalf(string, ...any) }, text string, err error) {
	e, ok := err.(*ParseError)
	if !ok || e.Kind.String() == "unknown" || !utf8.ValidString(err.Error()) {
		t.Fatalf("%q: %#v", text, err)
	}
	if e.Kind == BadCharacter && (e.Position < 1 || e.Position > len(text)) {
		t.Fatalf("%q: position %d", text, e.Position)
	}
	for i := 0; i+16 <= len(text); i++ {
		if strings.Contains(err.Error(), text[i:i+16]) {
			t.Fatalf("%q: the error quotes the text: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	vectors := loadCaps(f)
	for _, v := range vectors.Valid {
		f.Add(v.Text)
	}
	for _, v := range vectors.Invalid {
		f.Add(v.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if (c == nil) != (err != nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err != nil {
			if e, ok := err.(*ParseError); !ok || e.Error() == "" || e.Kind.String() == "unknown" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if c.Text() != text {
			t.Fatalf("%q is read as %q", text, c.Text())
		}
	})
}
