package caps

import "fmt"

// ParseKind is the kind of mistake in the text of a cap.
type ParseKind int

// The closed table of mistakes.
const (
	NotACap        ParseKind = iota + 1 // doesn't begin like a cap
	UnknownVersion                      // Have is the text's version, Want is ours
	UnknownKind                         // Char is the letter of the kind
	UnknownSuite                        // Have is the cap's suite, Want is ours
	Truncated                           // Have and Want are characters
	TooLong                             // Have and Want are characters
	BadCharacter                        // Char at Position doesn't belong there
	Mistyped                            // the checksum doesn't fit
	Invalid                             // well typed, but Err says why it names no file
)

// String gives the mistake as one word, as the vectors and JSON write it.
func (k ParseKind) String() string {
	words := [...]string{"unknown", "not-a-cap", "unknown-version", "unknown-kind", "unknown-suite",
		"truncated", "too-long", "bad-character", "mistyped", "invalid"}
	if k < 0 || int(k) >= len(words) {
		k = 0
	}
	return words[k]
}

// ParseError says what is wrong with a text that should be a cap. It holds no
// more of the text than one character.
type ParseError struct {
	Kind     ParseKind
	Cap      string // "read cap", "verify cap", "literal cap", or "cap" where the kind isn't known
	Have     int    // see Kind
	Want     int    // see Kind
	AtLeast  bool   // Want is the least that a cap has, since the text ends before its kind
	Position int    // of Char in characters, from 1
	Char     rune
	Err      error // cause of Invalid, else nil
}

// Unwrap gives the cause of Invalid.
func (e *ParseError) Unwrap() error { return e.Err }

// Error gives one sentence with the numbers and the cure.
func (e *ParseError) Error() string {
	const again = "copy the whole cap again"
	switch e.Kind {
	case NotACap:
		return fmt.Sprintf("not a cap: this text of %d characters doesn't begin with %q; %s", e.Have, head, again)
	case UnknownVersion:
		return fmt.Sprintf("cap has version %d, and this program reads version %d; get a newer one", e.Have, e.Want)
	case UnknownKind:
		return fmt.Sprintf("cap is of kind %q, and this program knows r (read), v (verify) and l (literal); get a newer one", e.Char)
	case UnknownSuite:
		return fmt.Sprintf("%s uses suite %d, and this program knows suite %d; get a newer one", e.Cap, e.Have, e.Want)
	case Truncated:
		least := ""
		if e.AtLeast {
			least = "at least "
		}
		return fmt.Sprintf("%s is cut off: it has %d characters of %s%d; %s", e.Cap, e.Have, least, e.Want, again)
	case TooLong:
		return fmt.Sprintf("%s is too long: it has %d characters instead of %d; remove what follows it", e.Cap, e.Have, e.Want)
	case BadCharacter:
		return fmt.Sprintf("%s has a wrong character: %s", e.Cap, e.character())
	case Mistyped:
		return fmt.Sprintf("%s is mistyped: the checksum doesn't fit its %d characters; %s", e.Cap, e.Have, again)
	case Invalid:
		return fmt.Sprintf("%s names no possible file: %v; ask whoever made it for another", e.Cap, e.Err)
	}
	return "not a cap"
}

// character tells about the wrong character.
func (e *ParseError) character() string {
	switch {
	case e.Char >= 'A' && e.Char <= 'Z':
		return fmt.Sprintf("%q at position %d is upper case; write the whole cap in lower case", e.Char, e.Position)
	case e.Char == ' ' || e.Char >= '\t' && e.Char <= '\r':
		return fmt.Sprintf("white space %q at position %d; remove it", e.Char, e.Position)
	}
	return fmt.Sprintf("%q at position %d is none of a-z and 2-7; copy the cap again", e.Char, e.Position)
}
