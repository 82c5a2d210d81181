package keepsake

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
	"potluck/ledger"
)

var update = flag.Bool("update", false, "write docs/spec/vectors/recovery.json anew; read the difference before committing it")

const vectorsFile = "../../docs/spec/vectors/recovery.json"

// seed is a node's seed that is made of one byte.
func seed(b byte) []byte { return bytes.Repeat([]byte{b}, ed25519.SeedSize) }

func must1[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func id(t testing.TB, b byte) peer.ID {
	key := must1[crypto.PrivKey](t)(crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed(b))))
	return must1[peer.ID](t)(peer.IDFromPrivateKey(key))
}

func sample(t testing.TB) Content {
	return Content{Name: "alice", Backup: Backup{"potluck1rexample", 1_800_000_000}, Previous: Backup{},
		Friends: []Friend{
			{Peer: id(t, 2), Name: "bob", Household: "us", Friend: true, Addrs: []string{"/ip4/192.0.2.7/tcp/4242"}, Terms: ledger.DefaultTerms(),
				Theirs: ledger.Terms{RatioPPM: 500_000, Gift: 7, Opening: 8, Paid: 9, PaidUntil: 1_900_000_000}},
			{Peer: id(t, 3), Name: "carol", Friend: true, Denied: true, Addrs: []string{}, Terms: ledger.DefaultTerms()},
		}, Recent: []Recent{{Manifest: potluck.Digest{7}, Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 2, N: 4, Block: 1 << 18, Size: 9000},
			Name: "letter.txt", Put: 1_800_000_500, Wanted: 4, Key: bytes.Repeat([]byte{5}, 32)}}}
}

func TestSealAndOpen(t *testing.T) {
	key := must1[Key](t)(NewKey(seed(1)))
	owner, c := id(t, 1), sample(t)
	blob, left, err := key.Seal(c, owner, 77, 30<<10, zeros{})
	if err != nil || left != 0 || (len(blob)-Overhead)%blockLen != 0 {
		t.Fatalf("%d bytes, %d left out, %v", len(blob), left, err)
	}
	got, err := key.Open(blob, owner, 77)
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c) {
		t.Errorf("%+v, %v", got, err)
	}
	if text := fmt.Sprintf("%v %+v %x", key, key, key); text != "[secret] [secret] [secret]" {
		t.Errorf("the key shows as %q", text)
	}
	other := must1[Key](t)(NewKey(seed(2)))
	newer := bytes.Clone(blob)
	newer[0] = 2
	flipped := bytes.Clone(blob)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		key    Key
		blob   []byte
		owner  peer.ID
		number uint64
		want   error
	}{
		"another key":     {other, blob, owner, 77, ErrKey},
		"another owner":   {key, blob, id(t, 2), 77, ErrKey},
		"another number":  {key, blob, owner, 78, ErrKey},
		"a flipped bit":   {key, flipped, owner, 77, ErrKey},
		"a byte too few":  {key, blob[:len(blob)-1], owner, 77, ErrKey},
		"a newer version": {key, newer, owner, 77, ErrNewer},
		"nothing":         {key, nil, owner, 77, ErrInvalid},
		"the nonce alone": {key, blob[:13], owner, 77, ErrKey},
	} {
		if _, err := c.key.Open(c.blob, c.owner, c.number); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestManyFriends: what is too long loses addresses first, then those at the end.
func TestManyFriends(t *testing.T) {
	key := must1[Key](t)(NewKey(seed(1)))
	for _, c := range []struct{ friends, addrs, least int }{{20, 2, 20}, {60, 31, 60}, {200, 31, 150}, {MaxFriends, 1, 150}} {
		many := Content{Name: "alice"}
		for i := range c.friends {
			f := sample(t).Friends[0]
			f.Name = fmt.Sprintf("friend %d", i)
			for a := range c.addrs {
				f.Addrs = append(f.Addrs, fmt.Sprintf("/ip4/192.0.2.%d/udp/4242/quic-v1", a))
			}
			many.Friends = append(many.Friends, f)
		}
		blob, left, err := key.Seal(many, id(t, 1), 1, 30<<10, zeros{})
		if err != nil || len(blob) > 30<<10 {
			t.Fatalf("%d friends: %d bytes, %v", c.friends, len(blob), err)
		}
		got, err := key.Open(blob, id(t, 1), 1)
		if err != nil || len(got.Friends) != c.friends-left || len(got.Friends) < c.least {
			t.Errorf("%d friends: %d came back, %d left out, %v", c.friends, len(got.Friends), left, err)
		}
		if fitted, err := Fitted(many, 30<<10); err != nil || fmt.Sprint(fitted) != fmt.Sprint(got) {
			t.Errorf("%d friends: what fits isn't what is in the blob, %v", c.friends, err)
		}
		for i, f := range got.Friends {
			if f.Name != fmt.Sprintf("friend %d", i) || len(f.Addrs) == 0 {
				t.Fatalf("friend %d is %+v", i, f)
			}
		}
	}
	if _, _, err := key.Seal(Content{Name: "x"}, id(t, 1), 1, Overhead, zeros{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("no room at all: %v", err)
	}
}

// TestManyRecentFiles: they go before friends do, the oldest first, and are bounded.
func TestManyRecentFiles(t *testing.T) {
	many := sample(t)
	for i := range 120 {
		f := many.Friends[0]
		f.Name, f.Addrs = fmt.Sprintf("friend %d", i), []string{"/ip4/192.0.2.1/tcp/1"}
		many.Friends = append(many.Friends, f)
	}
	for i := 1; i < MaxRecent; i++ {
		r := many.Recent[0]
		r.Name, r.Put = strings.Repeat("n", 200), r.Put-int64(i)
		many.Recent = append(many.Recent, r)
	}
	got, err := Fitted(many, 30<<10)
	if err != nil || len(got.Friends) != 122 || len(got.Recent) == 0 || len(got.Recent) >= MaxRecent || got.Recent[0].Name != "letter.txt" {
		t.Errorf("%d friends and %d files fit, %v", len(got.Friends), len(got.Recent), err)
	}
	many.Recent = append(many.Recent, many.Recent[0])
	if _, err := many.Marshal(); !errors.Is(err, ErrInvalid) {
		t.Errorf("65 files: %v", err)
	}
	for name, spoil := range map[string]func(*Recent){
		"no key":    func(r *Recent) { r.Key = nil },
		"no layout": func(r *Recent) { r.Layout = potluck.Layout{} },
		"long name": func(r *Recent) { r.Name = strings.Repeat("n", ledger.MaxFileName+1) },
		"wanted":    func(r *Recent) { r.Wanted = 256 },
	} {
		c := sample(t)
		spoil(&c.Recent[0])
		if _, err := c.Marshal(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func drawFile(t *rapid.T, hosts int) File {
	n := uint8(rapid.IntRange(1, 8).Draw(t, "n"))
	f := File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: uint8(rapid.IntRange(1, int(n)).Draw(t, "k")), N: n, Block: 1 << 10,
		Size: potluck.Size(rapid.Int64Range(1, 1<<40).Draw(t, "size"))}, Name: rapid.StringN(0, 20, -1).Draw(t, "name"),
		Put: rapid.Int64Range(0, 1<<40).Draw(t, "put"), Wanted: int(n), Key: []byte{}, Shares: []Held{}}
	copy(f.Index[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "index"))
	copy(f.Manifest[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "manifest"))
	if rapid.Bool().Draw(t, "cap") {
		f.Key = rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "shares") {
		f.Shares = append(f.Shares, Held{Number: potluck.ShareNumber(i % int(n)), Host: rapid.IntRange(0, hosts-1).Draw(t, "host"),
			Placed: rapid.Int64Range(0, 1<<40).Draw(t, "placed")})
	}
	return f
}

func write(t testing.TB, h Head, files ...File) []byte { return writeNamed(t, h, nil, files...) }

func writeNamed(t testing.TB, h Head, names []ledger.Version, files ...File) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := w.File(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range names {
		if err := w.Name(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(b []byte) (Head, []File, error) {
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		return Head{}, nil, err
	}
	var all []File
	for {
		f, err := r.Next()
		if err == io.EOF {
			return r.Head, all, nil
		}
		if err != nil {
			return r.Head, all, err
		}
		all = append(all, f)
	}
}

// TestBackupRoundTrips: what is written is read, and everything cut is noticed.
func TestBackupRoundTrips(t *testing.T) {
	head := Head{Owner: id(t, 1), Time: 1_800_000_000, Friends: sample(t).Friends}
	rapid.Check(t, func(r *rapid.T) {
		var files []File
		for range rapid.IntRange(0, 4).Draw(r, "files") {
			files = append(files, drawFile(r, 2))
		}
		b := write(t, head, files...)
		h, got, err := readAll(b)
		if err != nil || fmt.Sprintf("%+v", h) != fmt.Sprintf("%+v", head) || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", files) {
			r.Fatalf("%+v %+v, %v", h, got, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(r, "cut")
		if _, _, err := readAll(b[:cut]); !errors.Is(err, ErrInvalid) {
			r.Fatalf("cut at %d of %d: %v", cut, len(b), err)
		}
		if _, _, err := readAll(append(bytes.Clone(b), 0)); !errors.Is(err, ErrInvalid) {
			r.Fatalf("a byte behind the end: %v", err)
		}
	})
}

// TestNamesRoundTrip: what names meant comes behind the files, all of it or an error.
func TestNamesRoundTrip(t *testing.T) {
	head := Head{Owner: id(t, 1), Time: 1_800_000_000, Friends: sample(t).Friends}
	file := File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 1, N: 2, Block: 1 << 10, Size: 300}, Key: []byte{}, Shares: []Held{}}
	names := []ledger.Version{{Name: "cat", Time: 5, Size: 300, Index: potluck.StorageIndex{1}}, {Name: "note", Time: 6, Size: 2, Cap: "literal", Removed: 9}}
	b := writeNamed(t, head, names, file)
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Next()
	}
	if err != io.EOF || !slices.Equal(r.Names, names) {
		t.Errorf("%+v, %v", r.Names, err)
	}
	for cut := range len(b) {
		if _, _, err := readAll(b[:cut]); !errors.Is(err, ErrInvalid) {
			t.Fatalf("cut at %d of %d: %v", cut, len(b), err)
		}
	}
	w, err := NewWriter(io.Discard, head)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Name(ledger.Version{Name: "neither"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a name of nothing: %v", err)
	}
}

// TestSum: it tells files, and nothing else.
func TestSum(t *testing.T) {
	sum := func(at int64, names ...string) potluck.Digest {
		w, err := NewWriter(io.Discard, Head{Owner: id(t, 1), Time: at, Friends: sample(t).Friends})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if err := w.File(File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 1, N: 1, Block: 1 << 10, Size: 1}, Name: n}); err != nil {
				t.Fatal(err)
			}
		}
		return w.Sum()
	}
	if sum(1, "a", "b") != sum(2, "a", "b") || sum(1, "a", "b") == sum(1, "a", "c") || sum(1, "a") == sum(1) {
		t.Error("the sums are wrong")
	}
}

func TestRefused(t *testing.T) {
	head := Head{Owner: id(t, 1), Friends: sample(t).Friends}
	good := File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 1, N: 2, Block: 1 << 10, Size: 1}}
	for name, spoil := range map[string]func(*File){
		"share number n":   func(f *File) { f.Shares = []Held{{Number: 2}} },
		"host that is not": func(f *File) { f.Shares = []Held{{Host: 2}} },
		"host below zero":  func(f *File) { f.Shares = []Held{{Host: -1}} },
		"half a key":       func(f *File) { f.Key = make([]byte, 16) },
		"long name":        func(f *File) { f.Name = strings.Repeat("x", ledger.MaxFileName+1) },
		"no layout":        func(f *File) { f.Layout = potluck.Layout{} },
		"300 shares":       func(f *File) { f.Wanted = 300 },
	} {
		w, err := NewWriter(io.Discard, head)
		if err != nil {
			t.Fatal(err)
		}
		f := good
		spoil(&f)
		if err := w.File(f); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(*Content){
		"a friend without a peer": func(c *Content) { c.Friends[0].Peer = "" },
		"a long name":             func(c *Content) { c.Friends[0].Name = strings.Repeat("x", ledger.MaxName+1) },
		"many addresses":          func(c *Content) { c.Friends[0].Addrs = make([]string, ledger.MaxAddrs+1) },
		"a long address":          func(c *Content) { c.Friends[0].Addrs = []string{strings.Repeat("x", ledger.MaxAddr+1)} },
		"many friends":            func(c *Content) { c.Friends = make([]Friend, MaxFriends+1) },
		"a long cap":              func(c *Content) { c.Backup.Cap = strings.Repeat("x", MaxCap+1) },
	} {
		c := sample(t)
		spoil(&c)
		if _, err := c.Marshal(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// recoveryVectors is docs/spec/vectors/recovery.json. Bytes are hexadecimal.
type recoveryVectors struct {
	About   string `json:"about"`
	Seed    string `json:"seed"`
	Owner   string `json:"owner"`
	Number  uint64 `json:"number"`
	Content string `json:"content"` // CBOR
	Blob    string `json:"blob"`    // with a nonce of zeros
	Backup  string `json:"backup"`
}

// TestVectors makes the vectors again, and reads them.
func TestVectors(t *testing.T) {
	key, c := must1[Key](t)(NewKey(seed(1))), sample(t)
	blob, _, err := key.Seal(c, id(t, 1), 2<<32+31, 30<<10, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	file := File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 1, N: 2, Block: 1 << 10, Size: 300}, Name: "a.txt", Put: 1_800_000_000, Wanted: 2,
		Key: seed(7), Shares: []Held{{Number: 0, Host: 1, Placed: 1_800_000_001}}}
	file.Index[0], file.Manifest[0], file.Shares[0].Root[0] = 1, 2, 3
	v := recoveryVectors{About: "Vectors of docs/spec/recovery.md. Bytes are hexadecimal; the nonce of the blob is zeros, which no program does.",
		Seed: hex.EncodeToString(seed(1)), Owner: id(t, 1).String(), Number: 2<<32 + 31, Content: hex.EncodeToString(must1[[]byte](t)(c.Marshal())),
		Blob: hex.EncodeToString(blob), Backup: hex.EncodeToString(write(t, Head{Owner: id(t, 1), Time: 1_800_000_000, Friends: c.Friends}, file))}
	b := append(must1[[]byte](t)(json.MarshalIndent(v, "", "  ")), '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(vectorsFile); err != nil || !bytes.Equal(was, b) {
		t.Errorf("%s differs from what this code makes (%v); go test ./node/keepsake -run Vectors -update", vectorsFile, err)
	}
}

// FuzzContent: what is read is written as the same bytes.
func FuzzContent(f *testing.F) {
	f.Add(must1[[]byte](f)(sample(f).Marshal()))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseContent(data)
		if err != nil {
			return
		}
		if again, err := c.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x became %x, %v", data, again, err)
		}
	})
}

// FuzzBackup: what is read to its end is written as the same bytes.
func FuzzBackup(f *testing.F) {
	file := File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 1, N: 2, Block: 1 << 10, Size: 300}, Shares: []Held{{Host: 1}}}
	whole := write(f, Head{Owner: id(f, 1), Friends: sample(f).Friends}, file)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		head, files, err := readAll(data)
		if err != nil {
			return
		}
		if again := write(t, head, files...); !bytes.Equal(again, data) {
			t.Errorf("%x became %x", data, again)
		}
	})
}

func BenchmarkBackup(b *testing.B) {
	head := Head{Owner: id(b, 1), Friends: sample(b).Friends}
	file := File{Layout: potluck.Layout{Suite: potluck.SuiteOne, K: 2, N: 4, Block: 1 << 10, Size: 300}, Name: "a file's name", Key: seed(7),
		Shares: []Held{{Number: 0}, {Number: 1}, {Number: 2}, {Number: 3}}}
	data := write(b, head, file)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := readAll(data); err != nil {
			b.Fatal(err)
		}
	}
}
