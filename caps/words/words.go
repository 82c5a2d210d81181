// Package words writes a seed of 256 bits as 24 words that people can keep on
// paper, and reads them back: BIP-39 with the English list, and nothing beyond
// that step (no passphrase, no stretching: the seed is uniformly random).
//
//	seed (256 bits) ‖ first 8 bits of SHA-256(seed) = 24 × 11 bits = 24 words
//
// The words carry no version of their own. What is derived from the seed has
// one, in the labels of the derivation (docs/spec/recovery.md).
package words

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

const (
	SeedLen = 32 // bytes of a seed
	Count   = 24 // words of a seed
	MaxText = 1 << 10

	bits = 11 // of one word
)

// english is the list of BIP-39 (MIT licence), one word a line, ascending. Its
// SHA-256 is 2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda.
//
//go:embed english.txt
var english string

// List gives the 2,048 words in order. The slice is the caller's.
func List() []string { return strings.Fields(english) }

// Encode gives the 24 words of a seed.
func Encode(seed [SeedLen]byte) []string {
	list := List()
	sum := sha256.Sum256(seed[:])
	data := append(seed[:], sum[0])
	out := make([]string, Count)
	for i := range out {
		out[i] = list[elevenBits(data, i)]
	}
	return out
}

// elevenBits gives the i-th group of 11 bits, big-endian.
func elevenBits(data []byte, i int) (n int) {
	for bit := i * bits; bit < (i+1)*bits; bit++ {
		n = n<<1 | int(data[bit/8]>>(7-bit%8)&1)
	}
	return n
}

// Kind says what is wrong with words.
type Kind string

// What can be wrong with words.
const (
	KindCount    Kind = "count"    // not 24 of them
	KindUnknown  Kind = "unknown"  // a word that the list doesn't have
	KindChecksum Kind = "checksum" // all are of the list, and they don't belong together
	KindLong     Kind = "long"     // more text than 24 words can be
)

// Error says what is wrong with words, without showing more of them than the
// one that isn't in the list.
type Error struct {
	Kind    Kind
	Got     int    // KindCount: how many there are. KindLong: bytes
	At      int    // KindUnknown: which word, from 1
	Word    string // KindUnknown: the word as it was given, at most 40 bytes
	Nearest string // KindUnknown: the word of the list that is most like it; "" when none is near
}

// Error says it in a sentence, with a cure.
func (e *Error) Error() string {
	switch e.Kind {
	case KindCount:
		return fmt.Sprintf("%d words, want %d; cure: write all of them, in their order, with blanks between them", e.Got, Count)
	case KindUnknown:
		text := fmt.Sprintf("word %d, %q, is not in the list", e.At, e.Word)
		if e.Nearest != "" {
			text += fmt.Sprintf("; the nearest is %q", e.Nearest)
		}
		return text
	case KindLong:
		return fmt.Sprintf("text of more than %d bytes, which is more than %d words", MaxText, Count)
	}
	return "all words are in the list, but they don't belong together (the checksum is wrong): one of them is another word, or two have changed places; cure: compare them with the paper"
}

// Decode reads words with white space between them, in any case, and gives the
// seed. Words may be shortened to their first four letters, which tell them
// apart; the numbers that people write before them are passed over. Errors: *Error.
func Decode(text string) (seed [SeedLen]byte, err error) {
	if len(text) > MaxText {
		return seed, &Error{Kind: KindLong, Got: len(text)}
	}
	given := slices.DeleteFunc(strings.Fields(strings.ToLower(text)), isNumber)
	list := List()
	places := make([]int, 0, Count)
	for i, word := range given {
		place, ok := find(list, word)
		if !ok {
			return seed, &Error{Kind: KindUnknown, At: i + 1, Word: word[:min(len(word), 40)], Nearest: nearest(list, word)}
		}
		places = append(places, place)
	}
	if len(given) != Count {
		return seed, &Error{Kind: KindCount, Got: len(given)}
	}
	var data [SeedLen + 1]byte
	for i, place := range places {
		for b := range bits {
			if place>>(bits-1-b)&1 == 1 {
				at := i*bits + b
				data[at/8] |= 1 << (7 - at%8)
			}
		}
	}
	seed = [SeedLen]byte(data[:SeedLen])
	if sha256.Sum256(seed[:])[0] != data[SeedLen] {
		return [SeedLen]byte{}, &Error{Kind: KindChecksum}
	}
	return seed, nil
}

// isNumber tells whether a word is like "7", "07." or "7)".
func isNumber(word string) bool {
	digits := strings.TrimRight(word, ".):")
	return len(digits) > 0 && len(digits) <= 2 && strings.Trim(digits, "0123456789") == ""
}

// shortest is how many letters tell the words of the list apart.
const shortest = 4

// find looks a word up, whole or by its first four letters or more.
func find(list []string, word string) (int, bool) {
	at, ok := slices.BinarySearch(list, word)
	if ok {
		return at, true
	}
	return at, len(word) >= shortest && at < len(list) && strings.HasPrefix(list[at], word)
}
