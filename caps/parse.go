package caps

import (
	"strings"
	"unicode/utf8"

	"potluck"
)

// Parse reads the text of a cap: exactly what Text gives, and nothing else, so
// that every cap has one text. Every error is a *ParseError.
func Parse(text string) (Cap, error) {
	letter, perr := parseHead(text)
	if perr != nil {
		return nil, perr
	}
	payload, perr := open(letter, text)
	if perr != nil {
		return nil, perr
	}
	if letter == letterLiteral {
		return Literal{Data: payload[1:]}, nil
	}
	l := parseLayout((*[layoutLen]byte)(payload))
	if l.Suite != potluck.SuiteOne {
		return nil, &ParseError{Kind: UnknownSuite, Cap: names[letter], Have: int(l.Suite), Want: potluck.SuiteOne}
	}
	if err := l.Validate(); err != nil {
		return nil, &ParseError{Kind: Invalid, Cap: names[letter], Err: err}
	}
	rest := payload[layoutLen:]
	if letter == letterRead {
		return Read{Layout: l, Key: Key(rest[:32]), Manifest: potluck.Digest(rest[32:])}, nil
	}
	return Verify{Layout: l, Index: potluck.StorageIndex(rest[:16]), Manifest: potluck.Digest(rest[16:])}, nil
}

// names of the kinds, for errors.
var names = map[byte]string{letterRead: "read cap", letterVerify: "verify cap", letterLiteral: "literal cap"}

// parseHead reads version and kind. It looks at no more than the head's length.
func parseHead(text string) (letter byte, _ *ParseError) {
	start := text[:min(len(text), headLen)]
	switch {
	case start != "" && strings.HasPrefix(head, start):
		return 0, &ParseError{Kind: Truncated, Cap: "cap", Have: len(text), Want: textLen(1), AtLeast: true}
	case !strings.HasPrefix(start, word):
		return 0, notAHead(text)
	case start[len(word)] < '0' || start[len(word)] > '9':
		return 0, &ParseError{Kind: NotACap, Have: utf8.RuneCountInString(text)}
	case start[len(word)] != version:
		return 0, &ParseError{Kind: UnknownVersion, Have: int(start[len(word)] - '0'), Want: version - '0'}
	}
	letter = start[headLen-1]
	switch {
	case names[letter] != "":
		return letter, nil
	case letter < 'a' || letter > 'z':
		return 0, badCharacter("cap", text, headLen-1)
	}
	return 0, &ParseError{Kind: UnknownKind, Char: rune(letter), Position: headLen}
}

// notAHead tells a cap in upper case or behind white space from something else.
func notAHead(text string) *ParseError {
	near := text[:min(len(text), 64)]
	if trimmed := strings.TrimSpace(near); len(trimmed) < len(word) || !strings.EqualFold(trimmed[:len(word)], word) {
		return &ParseError{Kind: NotACap, Have: utf8.RuneCountInString(text)}
	}
	at := 0
	for text[at] == word[at] { // ends before len(word): text doesn't begin with word
		at++
	}
	return badCharacter("cap", text, at)
}

// open checks characters, length and checksum, in this order, and gives the
// payload. All lengths are bounded by the kind before anything is decoded.
func open(letter byte, text string) ([]byte, *ParseError) {
	name := names[letter]
	for i := headLen; i < min(len(text), textLen(1+LiteralMax)+1); i++ {
		if strings.IndexByte(alphabet, text[i]) < 0 {
			return nil, badCharacter(name, text, i)
		}
	}
	want, perr := expected(letter, text)
	switch {
	case perr != nil:
		return nil, perr
	case len(text) < want:
		return nil, &ParseError{Kind: Truncated, Cap: name, Have: len(text), Want: want}
	case len(text) > want:
		return nil, &ParseError{Kind: TooLong, Cap: name, Have: len(text), Want: want}
	}
	b, err := base32Lower.DecodeString(text[headLen:])
	if err != nil || len(b) < checksumLen {
		return nil, &ParseError{Kind: Mistyped, Cap: name, Have: len(text)}
	}
	payload := b[: len(b)-checksumLen : len(b)-checksumLen]
	// Sealing again finds a wrong checksum and unused bits that aren't zero.
	if seal(letter, payload) != text {
		return nil, &ParseError{Kind: Mistyped, Cap: name, Have: len(text)}
	}
	return payload, nil
}

// expected gives the length that the text must have. A literal's follows from
// its first byte, which is in the first two characters after the head.
func expected(letter byte, text string) (int, *ParseError) {
	switch letter {
	case letterRead:
		return textLen(readLen), nil
	case letterVerify:
		return textLen(verifyLen), nil
	}
	if len(text) < headLen+2 {
		return 0, &ParseError{Kind: Truncated, Cap: names[letter], Have: len(text), Want: textLen(1), AtLeast: true}
	}
	b, err := base32Lower.DecodeString(text[headLen : headLen+2])
	if err != nil || len(b) != 1 || b[0] > LiteralMax {
		return 0, &ParseError{Kind: Mistyped, Cap: names[letter], Have: len(text)}
	}
	return textLen(1 + int(b[0])), nil
}

// badCharacter names the character at byte at, before which all is ASCII.
func badCharacter(name, text string, at int) *ParseError {
	r, _ := utf8.DecodeRuneInString(text[at:])
	return &ParseError{Kind: BadCharacter, Cap: name, Position: at + 1, Char: r}
}
