package p2p

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"potluck"

	ma "github.com/multiformats/go-multiaddr"
)

// Ceilings on what messages hold.
const (
	MaxIndexes   = 256  // storage indexes in a HaveRequest
	MaxHeld      = 8192 // shares in a HaveResponse; 32 indexes always fit
	MaxCancel    = 1024 // shares in a CancelRequest
	MaxAddrs     = 16   // addresses in a join or an invite
	MaxAddrLen   = 256  // bytes of one address as text
	MaxNameRunes = 64   // characters of a name
	MaxVersion   = 32   // bytes of a version
	MaxReceipt   = 512  // bytes of a sealed receipt
	MaxAuthority = 512  // bytes of a sealed repair authority
	MaxTime      = 1 << 40

	MaxDocument      = 64 << 10  // bytes of one signed document
	MaxDocumentBytes = 256 << 10 // bytes of all documents of one message
	MaxDocuments     = 32        // documents in a DeliverRequest
	MaxHints         = 64        // hosts in a DeliverRequest
	MaxKeys          = 1024      // keys in a SyncRequest
	MaxSync          = 1024      // documents in a SyncResponse
	MaxStatement     = 1 << 10   // bytes of a sealed statement
	MaxSponsors      = 64        // sponsors in an AccountResponse
	MaxDistance      = 255       // arcs in AccountResponse.Distance
	MaxStep          = 5         // the last step of the ladder
	MaxReason        = 256       // characters of a notice's reason
	MaxHead          = 1<<53 - 1 // number of an event
)

// CheckName tells whether a name may be sent and shown: at most MaxNameRunes
// printable characters. Control, format and bidi characters aren't printable.
// The empty name is allowed and means "not given".
func CheckName(name string) error { return checkText("name", name, MaxNameRunes) }

// checkText tells whether text has at most so many characters, all printable.
func checkText(what, text string, most int) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s is not valid UTF-8", what)
	}
	if n := utf8.RuneCountInString(text); n > most {
		return fmt.Errorf("%s has %d characters, at most %d are allowed", what, n, most)
	}
	for i, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s has the unprintable character %U at byte %d", what, r, i)
		}
	}
	return nil
}

// checkSize tells whether s lies in [0, MaxSize].
func checkSize(what string, s potluck.Size) error {
	if s < 0 || s > potluck.MaxSize {
		return fmt.Errorf("%s: size %d is not between 0 and %d", what, int64(s), int64(potluck.MaxSize))
	}
	return nil
}

// checkTime tells whether t is a time in unix seconds that needs no more than 40 bits.
func checkTime(what string, t int64) error {
	if t < 0 || t > MaxTime {
		return fmt.Errorf("%s: time %d is not between 0 and %d", what, t, int64(MaxTime))
	}
	return nil
}

// checkNumber tells whether a share number is one of a share set at all.
func checkNumber(n potluck.ShareNumber) error {
	if n >= potluck.MaxShares {
		return fmt.Errorf("share number %d is not below %d", n, potluck.MaxShares)
	}
	return nil
}

// checkAddrs tells whether addrs are at most MaxAddrs multiaddrs in their one text form.
func checkAddrs(addrs []string) error {
	if len(addrs) > MaxAddrs {
		return fmt.Errorf("%d addresses, at most %d are allowed", len(addrs), MaxAddrs)
	}
	for _, a := range addrs {
		if len(a) > MaxAddrLen {
			return fmt.Errorf("address of %d bytes, at most %d are allowed", len(a), MaxAddrLen)
		}
		m, err := ma.NewMultiaddr(a)
		if err != nil {
			return fmt.Errorf("address: %w", err)
		}
		if m.String() != a {
			return fmt.Errorf("address %q is not in its one form, %q", a, m.String())
		}
	}
	return nil
}
