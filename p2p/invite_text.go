package p2p

import (
	"bytes"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/zeebo/blake3"
)

// The text of an invite is invitePrefix and two pieces of lower-case base32
// without padding: the length of the encoding (2 bytes, big-endian: 4
// characters), then the encoding and the first sumLen bytes of its BLAKE3 hash
// under inviteSumContext. All characters are safe in a shell and in a URL.
const (
	invitePrefix     = "potluck-invite-1-"
	inviteFamily     = "potluck-invite-"
	inviteSumContext = "potluck invite 1: checksum"
	headLen          = 4 // characters of the length
	sumLen           = 5
	maxInviteBytes   = 8 << 10
	maxInviteText    = len(invitePrefix) + (maxInviteBytes+2+sumLen)*8/5 + 8
)

var inviteBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Mistake is what is wrong with the text of an invite.
type Mistake string

// The mistakes that ParseInvite tells apart.
const (
	MistakeNotAnInvite Mistake = "not-an-invite"   // doesn't begin like one
	MistakeVersion     Mistake = "unknown-version" // of a version that this program doesn't know
	MistakeTruncated   Mistake = "truncated"       // characters are missing at the end
	MistakeTooLong     Mistake = "too-long"        // characters follow the end
	MistakeCharacter   Mistake = "bad-character"   // a character that no invite has
	MistakeMistyped    Mistake = "mistyped"        // the checksum doesn't match
	MistakeContent     Mistake = "bad-content"     // whole, but no inviter made it
)

// InviteError says what is wrong with the text of an invite. It never holds the
// text itself.
type InviteError struct {
	Mistake Mistake
	Detail  string // with numbers, for people
}

// Error gives one sentence with the cure.
func (e *InviteError) Error() string {
	cure := "copy the whole invite again"
	switch e.Mistake {
	case MistakeVersion:
		cure = "install the newest potluck, or ask for an invite of version 1"
	case MistakeContent:
		cure = "ask for a new invite"
	}
	return fmt.Sprintf("invite: %s (%s); %s", e.Detail, e.Mistake, cure)
}

func inviteError(m Mistake, format string, a ...any) error {
	return &InviteError{Mistake: m, Detail: fmt.Sprintf(format, a...)}
}

// Text gives the invite as one word that is safe in a shell and in a URL. It
// holds the secret. An invite that isn't valid gives the empty string.
func (i Invite) Text() string {
	data, err := encode(i)
	if err != nil || len(data) > maxInviteBytes {
		return ""
	}
	sum := inviteSum(data)
	length := []byte{byte(len(data) >> 8), byte(len(data))}
	return invitePrefix + inviteBase32.EncodeToString(length) + inviteBase32.EncodeToString(append(data, sum[:]...))
}

// ParseInvite reads the text of an invite; white space around it is passed
// over. Addresses come without /p2p/ID. Errors are *InviteError and name the
// mistake.
func ParseInvite(text string) (Invite, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxInviteText {
		return Invite{}, inviteError(MistakeTooLong, "%d characters, at most %d are possible", len(text), maxInviteText)
	}
	word, err := cutPrefix(text)
	if err != nil {
		return Invite{}, err
	}
	for at, r := range word {
		if (r < 'a' || r > 'z') && (r < '2' || r > '7') {
			return Invite{}, inviteError(MistakeCharacter, "character %q at place %d is none of an invite", r, len(invitePrefix)+at+1)
		}
	}
	data, err := openWord(word)
	if err != nil {
		return Invite{}, err
	}
	i, err := decode[Invite](data)
	if err != nil {
		return Invite{}, inviteError(MistakeContent, "its content is not valid: %v", err)
	}
	return i, nil
}

// cutPrefix gives what follows the prefix of this version.
func cutPrefix(text string) (string, error) {
	word, ok := strings.CutPrefix(text, invitePrefix)
	if ok {
		return word, nil
	}
	if strings.HasPrefix(invitePrefix, text) && text != "" {
		return "", inviteError(MistakeTruncated, "%d characters, an invite has more", len(text))
	}
	if rest, ok := strings.CutPrefix(text, inviteFamily); ok {
		version, _, _ := strings.Cut(rest, "-")
		if version != "" && strings.Trim(version, "0123456789") == "" {
			return "", inviteError(MistakeVersion, "its version is %.10s, this program knows version 1", version)
		}
	}
	return "", inviteError(MistakeNotAnInvite, "it doesn't begin with %q", invitePrefix)
}

// openWord decodes base32, length and checksum.
func openWord(word string) ([]byte, error) {
	if len(word) < headLen {
		return nil, inviteError(MistakeTruncated, "%d characters, an invite has more", len(invitePrefix)+len(word))
	}
	head, rest := word[:headLen], word[headLen:]
	data, whole := openSummed(rest)
	length, err := inviteBase32.DecodeString(head)
	if err != nil || inviteBase32.EncodeToString(length) != head {
		return nil, inviteError(MistakeMistyped, "a character of its length is wrong")
	}
	n := int(length[0])<<8 | int(length[1])
	want := inviteBase32.EncodedLen(n + sumLen)
	switch {
	case whole && len(data) == n:
		return data, nil
	case whole || n == 0 || n > maxInviteBytes:
		return nil, inviteError(MistakeMistyped, "a character of its length is wrong")
	case len(rest) < want:
		return nil, inviteError(MistakeTruncated, "%d characters of %d", len(invitePrefix)+len(word), len(invitePrefix)+headLen+want)
	case len(rest) > want:
		return nil, inviteError(MistakeTooLong, "%d characters, %d are its own", len(invitePrefix)+len(word), len(invitePrefix)+headLen+want)
	}
	return nil, inviteError(MistakeMistyped, "a character is wrong, the checksum doesn't match")
}

// openSummed decodes what follows the length; whole tells whether the checksum
// matches and the characters are the one encoding of the bytes.
func openSummed(rest string) (data []byte, whole bool) {
	raw, err := inviteBase32.DecodeString(rest)
	if err != nil || len(raw) < sumLen || inviteBase32.EncodeToString(raw) != rest {
		return nil, false
	}
	data = raw[:len(raw)-sumLen]
	sum := inviteSum(data)
	return data, bytes.Equal(sum[:], raw[len(data):])
}

// inviteSum is the checksum of an encoded invite.
func inviteSum(data []byte) (sum [sumLen]byte) {
	blake3.DeriveKey(inviteSumContext, data, sum[:])
	return sum
}
