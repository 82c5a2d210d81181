package signed

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// A peer ID of an Ed25519 key is the key itself behind this prefix: identity
// multihash, 36 bytes, key type 1, 32 bytes. There is no second form.
const (
	peerPrefix = "\x00\x24\x08\x01\x12\x20"
	peerLength = len(peerPrefix) + 32
)

func checkPeer(what string, p peer.ID) error {
	if len(p) != peerLength || p[:len(peerPrefix)] != peerPrefix {
		return fmt.Errorf("%s: not the ID of an Ed25519 key (%d bytes)", what, len(p))
	}
	return nil
}

// checkPeers tells whether a list is bounded, ascending without repeats, and
// names nobody who may not be in it.
func checkPeers(what string, list []peer.ID, most int, self peer.ID) error {
	if len(list) > most {
		return fmt.Errorf("%s: %d of them, at most %d are allowed", what, len(list), most)
	}
	for i, p := range list {
		if err := checkPeer(what, p); err != nil {
			return err
		}
		if p == self {
			return fmt.Errorf("%s: %v names itself", what, p)
		}
		if i > 0 && list[i-1] >= p {
			return fmt.Errorf("%s: %v is not after the one before it", what, p)
		}
	}
	return nil
}

func checkNumber(number uint64) error {
	if number < 1 || number > MaxNumber {
		return fmt.Errorf("number %d is not between 1 and %d", number, uint64(MaxNumber))
	}
	return nil
}

// checkChain holds for documents that name the one before them. A signer who
// lost its books may go on at a higher number without knowing its last document.
func checkChain(number uint64, previous potluck.Digest) error {
	if number == 1 && previous != (potluck.Digest{}) {
		return errors.New("number 1 has a document before it")
	}
	return checkNumber(number)
}

func checkTime(what string, t int64) error {
	if t < 0 || t > MaxTime {
		return fmt.Errorf("%s: time %d is not between 0 and %d", what, t, int64(MaxTime))
	}
	return nil
}

func checkLifetime(notBefore, expires int64) error {
	if err := checkTime("not before", notBefore); err != nil {
		return err
	}
	if err := checkTime("expires", expires); err != nil {
		return err
	}
	life, most := expires-notBefore, int64(MaxLifetime/time.Second)
	switch {
	case life <= 0:
		return fmt.Errorf("expires at %d, which is not after its beginning at %d", expires, notBefore)
	case life > most:
		return fmt.Errorf("lives for %d seconds, at most %d (90 days) are allowed", life, most)
	}
	return nil
}

func checkSize(what string, s, least potluck.Size) error {
	if s < least || s > potluck.MaxSize {
		return fmt.Errorf("%s: %d bytes is not between %d and %d", what, int64(s), int64(least), int64(potluck.MaxSize))
	}
	return nil
}

func checkLabel(label string) error {
	if !utf8.ValidString(label) {
		return errors.New("label is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(label); n > MaxLabel {
		return fmt.Errorf("label has %d characters, at most %d are allowed", n, MaxLabel)
	}
	for i, r := range label {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("label has the unprintable character %U at byte %d", r, i)
		}
	}
	return nil
}

// validAt compares with the tolerance for clocks that differ (CREDIT.md,
// section 9). Expires is the first second that is too late.
func validAt(what string, notBefore, expires, now int64) error {
	t := int64(Tolerance / time.Second)
	switch {
	case now < notBefore-t:
		return fmt.Errorf("%s: %w: begins at %d, now is %d", what, ErrNotYet, notBefore, now)
	case now >= expires+t:
		return fmt.Errorf("%s: %w: at %d, now is %d; its signer must sign the next one", what, ErrExpired, expires, now)
	}
	return nil
}

// broken wraps what is wrong with a field.
func broken(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %v: %w", ErrDocument, k, err)
}

// first gives the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func sortedPeers(list []peer.ID) []peer.ID {
	s := slices.Clone(list)
	slices.SortFunc(s, cmp.Compare[peer.ID])
	return s
}
