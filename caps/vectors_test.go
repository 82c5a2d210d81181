package caps

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/crypto/salsa20"

	"potluck"
)

// hexBytes is a byte string that the vector files write in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// load reads one vector file and refuses fields that the test doesn't look at.
func load(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "docs", "spec", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// set is a list of vectors with the source that published them.
type set[V any] struct {
	Source  string
	Vectors []V
}

func (s set[V]) check(t testing.TB, name string, least int) {
	t.Helper()
	if s.Source == "" || len(s.Vectors) < least {
		t.Fatalf("%s: source %q with %d vectors, want at least %d", name, s.Source, len(s.Vectors), least)
	}
}

type cipherVectors struct {
	Salsa20 set[struct {
		Name       string
		Key, Nonce hexBytes
		Length     int
		Chunks     []struct {
			Offset int
			Bytes  hexBytes
		}
		XorDigest hexBytes `json:"xor_digest"`
	}]
	XSalsa20 set[struct {
		Name                      string
		Key, Nonce, Input, Output hexBytes
	}]
	XSalsa20Long set[struct {
		Name               string
		Key, Nonce, SHA512 hexBytes
		Length             int
	}] `json:"xsalsa20_long"`
	AES256CTR set[struct {
		Name                        string
		Key, Counter, Input, Output hexBytes
	}]
	Potluck set[struct {
		Key, Stream, Output hexBytes
		Offset              int64
		Length              int
	}]
	PotluckLong set[struct {
		Key    hexBytes
		Offset int64
		Length int
		SHA256 hexBytes `json:"stream_sha256"`
	}] `json:"potluck_long"`
}

func loadCipher(t testing.TB) (v cipherVectors) {
	load(t, "cipher.json", &v)
	v.Salsa20.check(t, "salsa20", 20)
	v.XSalsa20.check(t, "xsalsa20", 2)
	v.XSalsa20Long.check(t, "xsalsa20_long", 1)
	v.AES256CTR.check(t, "aes256ctr", 1)
	v.Potluck.check(t, "potluck", 10)
	v.PotluckLong.check(t, "potluck_long", 2)
	return v
}

func TestSalsa20Published(t *testing.T) {
	for _, v := range loadCipher(t).Salsa20.Vectors {
		out := make([]byte, v.Length)
		salsa20.XORKeyStream(out, out, v.Nonce, (*[32]byte)(v.Key))
		if len(v.Chunks) == 0 {
			t.Errorf("%s: no chunks", v.Name)
		}
		for _, c := range v.Chunks {
			if got := out[c.Offset : c.Offset+len(c.Bytes)]; !bytes.Equal(got, c.Bytes) {
				t.Errorf("%s: stream at %d is %x, want %x", v.Name, c.Offset, got, c.Bytes)
			}
			for i := range len(c.Bytes) / 64 {
				block := salsaBlock([32]byte(v.Key), [8]byte(v.Nonce), uint64(c.Offset/64+i))
				if !bytes.Equal(block[:], c.Bytes[64*i:64*i+64]) {
					t.Errorf("%s: the tests' own Salsa20 differs at %d", v.Name, c.Offset)
				}
			}
		}
		var digest [64]byte
		for i, b := range out {
			digest[i%64] ^= b
		}
		if !bytes.Equal(digest[:], v.XorDigest) {
			t.Errorf("%s: xor-digest is %x, want %x", v.Name, digest, v.XorDigest)
		}
	}
}

// salsaHalf gives a Cipher whose XSalsa20 half has this key and nonce in the
// segment that it returns.
func salsaHalf(key, nonce []byte) (*Cipher, uint64) {
	c := NewCipher(Key{})
	c.salsa, c.nonce = [32]byte(key), [16]byte(nonce[:16])
	return c, binary.BigEndian.Uint64(nonce[16:])
}

func TestXSalsa20Published(t *testing.T) {
	vectors := loadCipher(t)
	for _, v := range vectors.XSalsa20.Vectors {
		c, segment := salsaHalf(v.Key, v.Nonce)
		out := make([]byte, len(v.Input))
		c.xorSalsa(out, v.Input, segment)
		if !bytes.Equal(out, v.Output) {
			t.Errorf("%s: %x, want %x", v.Name, out, v.Output)
		}
	}
	for _, v := range vectors.XSalsa20Long.Vectors {
		c, segment := salsaHalf(v.Key, v.Nonce)
		out := make([]byte, v.Length)
		c.xorSalsa(out, out, segment)
		if got := sha512.Sum512(out); !bytes.Equal(got[:], v.SHA512) {
			t.Errorf("%s: %x, want %x", v.Name, got, v.SHA512)
		}
	}
}

func TestAES256CTRPublished(t *testing.T) {
	for _, v := range loadCipher(t).AES256CTR.Vectors {
		block, err := aes.NewCipher(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		out := bytes.Clone(v.Input)
		xorCTR(out, block, [16]byte(v.Counter))
		if !bytes.Equal(out, v.Output) {
			t.Errorf("%s: %x, want %x", v.Name, out, v.Output)
		}
	}
}

func TestCipherVectors(t *testing.T) {
	vectors := loadCipher(t)
	for _, v := range vectors.Potluck.Vectors {
		src, out := make([]byte, v.Length), make([]byte, v.Length)
		c := NewCipher(Key(v.Key))
		c.XOR(out, src, v.Offset)
		if !bytes.Equal(out, v.Stream) {
			t.Errorf("offset %d: stream %x, want %x", v.Offset, out, v.Stream)
		}
		for i := range src {
			src[i] = byte((v.Offset + int64(i)) % 251)
		}
		c.XOR(out, src, v.Offset)
		if !bytes.Equal(out, v.Output) {
			t.Errorf("offset %d: %x, want %x", v.Offset, out, v.Output)
		}
	}
	for _, v := range vectors.PotluckLong.Vectors {
		out := make([]byte, v.Length)
		NewCipher(Key(v.Key)).XOR(out, out, v.Offset)
		if got := sha256.Sum256(out); !bytes.Equal(got[:], v.SHA256) {
			t.Errorf("%d bytes at %d: SHA-256 %x, want %x", v.Length, v.Offset, got, v.SHA256)
		}
	}
}

type keyVectors struct {
	About   string
	Derived []struct {
		Key, Index hexBytes
		SalsaKey   hexBytes `json:"salsa_key"`
		SalsaNonce hexBytes `json:"salsa_nonce"`
		AESKey     hexBytes `json:"aes_key"`
	}
	Convergent []struct {
		Secret, Key hexBytes
		Layout      potluck.Layout
		Pieces      []potluck.Digest
	}
}

func TestKeyVectors(t *testing.T) {
	var vectors keyVectors
	load(t, "keys.json", &vectors)
	if len(vectors.Derived) < 4 || len(vectors.Convergent) < 24 {
		t.Fatalf("%d derived and %d convergent keys, want at least 4 and 24", len(vectors.Derived), len(vectors.Convergent))
	}
	for _, v := range vectors.Derived {
		k := Key(v.Key)
		s, x := k.subkeys(), k.StorageIndex()
		if !bytes.Equal(x[:], v.Index) || !bytes.Equal(s.salsa[:], v.SalsaKey) || !bytes.Equal(s.nonce[:], v.SalsaNonce) || !bytes.Equal(s.aes[:], v.AESKey) {
			t.Errorf("key %x: index %x, subkeys %x", v.Key, x[:], s)
		}
	}
	for _, v := range vectors.Convergent {
		if err := v.Layout.Validate(); err != nil {
			t.Error(err)
		}
		data := make([]byte, v.Layout.Size)
		for i := range data {
			data[i] = byte(i % 251)
		}
		c := content{Secret(v.Secret), v.Layout, data}
		pieces := c.pieces()
		if !slices.Equal(pieces, v.Pieces) {
			t.Errorf("%+v: pieces %v, want %v", v.Layout, pieces, v.Pieces)
			continue
		}
		if k := NewConverger(c.secret, c.layout).Key(pieces); !bytes.Equal(k[:], v.Key) {
			t.Errorf("%+v: key %x, want %x", v.Layout, [32]byte(k), v.Key)
		}
	}
}
