package shares

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// stripe encodes one stripe of generated data.
func stripe(t interface{ Fatal(...any) }, l potluck.Layout, size int, seed int) [][]byte {
	code, err := NewCode(l)
	if err != nil {
		t.Fatal(err)
	}
	blocks := make([][]byte, l.N)
	for i := range blocks {
		blocks[i] = make([]byte, size)
		if i < int(l.K) {
			copy(blocks[i], random(size + seed + i)[seed+i:])
		}
	}
	if err := code.Encode(blocks); err != nil {
		t.Fatal(err)
	}
	return blocks
}

func TestAnyKOfN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 20).Draw(t, "k")
		n := rapid.IntRange(k, 40).Draw(t, "n")
		size := rapid.IntRange(1, 3000).Draw(t, "size")
		l, err := NewLayout(k, n, 1000)
		if err != nil {
			t.Fatal(err)
		}
		want := stripe(t, l, size, 0)
		got := make([][]byte, n)
		order := rapid.Permutation(indexes(n)).Draw(t, "order")
		for i, number := range order {
			got[number] = bytes.Clone(want[number])
			if i >= k {
				got[number] = got[number][:0] // lost; its memory may be used
			}
		}
		code, err := NewCode(l)
		if err != nil {
			t.Fatal(err)
		}
		if err := code.Reconstruct(got); err != nil {
			t.Fatal(err)
		}
		for i := range k {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("block %d differs", i)
			}
		}
		got[order[0]] = got[order[0]][:0]
		for i := range got { // k-1 blocks are too few
			if i < k {
				got[i] = got[i][:0]
			}
		}
		if k == n && code.Reconstruct(got) == nil {
			t.Fatal("no block was enough")
		}
	})
}

// mul multiplies in GF(2^8) with the polynomial 0x11d, bit by bit.
func mul(a, b byte) (p byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			p ^= a
		}
		carry := a&0x80 != 0
		a <<= 1
		if carry {
			a ^= 0x1d
		}
	}
	return p
}

// inverse is the b with a b = 1.
func inverse(a byte) byte {
	for b := range 256 {
		if mul(a, byte(b)) == 1 {
			return byte(b)
		}
	}
	panic("zero has no inverse")
}

// TestCodeIsAsSpecified computes blocks as docs/spec/share.md has them: by the
// polynomial through the data, in Lagrange's form.
func TestCodeIsAsSpecified(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {1, 5}, {2, 3}, {3, 10}, {7, 20}, {20, 255}} {
		l, err := NewLayout(c[0], c[1], 1000)
		if err != nil {
			t.Fatal(err)
		}
		blocks := stripe(t, l, 5, 3)
		for j := range blocks {
			for at := range 5 {
				var want byte
				for i := range c[0] {
					term := blocks[i][at]
					for m := range c[0] {
						if m != i {
							term = mul(term, mul(byte(j^m), inverse(byte(i^m))))
						}
					}
					want ^= term
				}
				if blocks[j][at] != want {
					t.Fatalf("%d-of-%d: byte %d of block %d is %d, want %d", c[0], c[1], at, j, blocks[j][at], want)
				}
			}
		}
	}
}

func indexes(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func TestCodeRefuses(t *testing.T) {
	if _, err := NewCode(potluck.Layout{}); err == nil {
		t.Error("a code was made of no layout")
	}
	l, _ := NewLayout(2, 3, 1)
	code, err := NewCode(l)
	if err != nil {
		t.Fatal(err)
	}
	for name, blocks := range map[string][][]byte{
		"too few": {{1}, {2}}, "unequal": {{1}, {2, 3}, {4}}, "empty": {{}, {}, {}},
	} {
		if code.Encode(blocks) == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	if code.Reconstruct([][]byte{{1}, {}, {}}) == nil {
		t.Error("one block of 2-of-3 was enough")
	}
}

// TestNonCodewordIsFound: an uploader makes shares that aren't one codeword, so
// that two readers with different shares would get different files from one
// manifest. Every such choice of shares must fail the crosscheck but those that
// give the bytes that it was made for.
func TestNonCodewordIsFound(t *testing.T) {
	l, err := NewLayout(2, 4, 2001)
	if err != nil {
		t.Fatal(err)
	}
	size := BlockLen(l, 0)
	one, two := stripe(t, l, size, 0), stripe(t, l, size, 50)
	one[1][size-1], two[1][size-1] = 0, 0 // the padding of 2001 bytes in two blocks
	code, err := NewCode(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, blocks := range [][][]byte{one, two} {
		if err := code.Encode(blocks); err != nil {
			t.Fatal(err)
		}
	}
	check := NewCrosscheck(l)
	want, err := check.Stripe(0, one)
	if err != nil {
		t.Fatal(err)
	}
	if Sum(append(bytes.Clone(one[0]), one[1][:size-1]...)) != want {
		t.Fatal("the hash isn't of the stripe without its padding")
	}
	crafted := [][]byte{one[0], one[1], one[2], two[3]}
	agree, differ := 0, 0
	for a := range crafted {
		for b := range a {
			got := make([][]byte, 4)
			got[a], got[b] = crafted[a], crafted[b]
			if err := code.Reconstruct(got); err != nil {
				t.Fatal(err)
			}
			hash, err := check.Stripe(0, got)
			if err != nil {
				t.Fatal(err)
			}
			same := bytes.Equal(got[0], one[0]) && bytes.Equal(got[1], one[1])
			if same != (hash == want) {
				t.Fatalf("shares %d and %d: same bytes %v, same hash %v", a, b, same, hash == want)
			}
			if same {
				agree++
			} else {
				differ++
			}
		}
	}
	if agree != 3 || differ != 3 {
		t.Fatalf("%d choices agree and %d differ, want 3 and 3", agree, differ)
	}
}

func TestCrosscheckRefuses(t *testing.T) {
	l, _ := NewLayout(2, 3, 10)
	check := NewCrosscheck(l)
	for name, blocks := range map[string][][]byte{
		"too few": {make([]byte, 5)}, "short": {make([]byte, 5), make([]byte, 4)}, "long": {make([]byte, 6), make([]byte, 5)},
	} {
		if _, err := check.Stripe(0, blocks); err == nil {
			t.Errorf("%s: hashed", name)
		}
	}
}
