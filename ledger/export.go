package ledger

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/zeebo/blake3"

	"potluck"
)

// An export is lines of JSON: a head, the rows in the order of their keys, an
// end. Rows that follow from others (indexes, sums of ranges) are left out. Each
// line carries the beginning of a hash over it and all lines before it, so that a
// changed, missing or moved line is named when it is read (docs/spec/ledger.md).

const (
	exportForm    = 1
	exportLineMax = 1 << 20 // bytes of a line; a row is shorter
)

// exportRows names the kinds of rows in an export.
var exportRows = map[byte]string{keyAccount: "account", keyUsage: "usage", keyTotals: "totals", keyShare: "share", keyLease: "lease",
	keyPlacement: "placement", keyFile: "file", keyInvite: "invite", keyEvent: "event", keyDocument: "document", keyProof: "proof",
	keyRate: "rate", keyCursor: "cursor", keyBehind: "behind", keyDispute: "dispute", keyHistory: "history", keyProven: "proven",
	keyVersion: "version"}

// exportLine is every line of an export; a head has a form, an end has rows.
type exportLine struct {
	Form  int    `json:"potluck_ledger,omitempty"`
	Self  string `json:"self,omitempty"` // peer ID of the node whose books these are
	Time  int64  `json:"time,omitempty"` // unix seconds
	Row   string `json:"row,omitempty"`
	Key   string `json:"key,omitempty"`   // hexadecimal, without the first byte
	Chain string `json:"chain,omitempty"` // of an event, hexadecimal
	Bytes string `json:"bytes,omitempty"` // of a cursor, hexadecimal
	Value any    `json:"value,omitempty"` // of every other row
	Rows  *int64 `json:"rows,omitempty"`  // how many came before the end
	Sum   string `json:"sum,omitempty"`   // hexadecimal
}

// exportSum is the hash over lines.
type exportSum potluck.Digest

// seal gives the one encoding of a line after those that were summed.
func (s *exportSum) seal(l exportLine) ([]byte, error) {
	l.Sum = ""
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	h := blake3.New()
	h.Write(s[:])
	h.Write(text)
	h.Sum(s[:0])
	l.Sum = hex.EncodeToString(s[:8])
	return json.Marshal(l)
}

// Export writes the books as they are at one moment, as lines of JSON, for
// reading and for Import. The secrets of invites are left out, and so a live one
// counts as revoked; all else is in it, the caps of files too: who has an export
// can read them.
func (b *Book) Export(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var sum exportSum
	put := func(l exportLine) error {
		text, err := sum.seal(l)
		if err != nil {
			return err
		}
		_, err = out.Write(append(text, '\n'))
		return err
	}
	rows := int64(0)
	err := put(exportLine{Form: exportForm, Self: b.self.String(), Time: b.clock().Unix()})
	if err == nil {
		err = b.scan(ctx, span{}, func(key, value []byte) error {
			name, ok := exportRows[key[0]]
			if !ok {
				return nil
			}
			rows++
			l, err := lineOf(name, key, value)
			if err != nil {
				return fmt.Errorf("row %x: %w", key, err)
			}
			return put(l)
		})
	}
	if err == nil {
		err = put(exportLine{Rows: &rows})
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("export the books: %w", err)
	}
	return nil
}

// lineOf gives the line of a row.
func lineOf(name string, key, value []byte) (l exportLine, err error) {
	l = exportLine{Row: name, Key: hex.EncodeToString(key[1:])}
	switch key[0] {
	case keyCursor:
		l.Bytes = hex.EncodeToString(value)
		return l, nil
	case keyEvent:
		if len(value) < len(potluck.Digest{}) {
			return l, fmt.Errorf("event of %d bytes: %w", len(value), ErrDamaged)
		}
		l.Chain = hex.EncodeToString(value[:len(potluck.Digest{})])
		value = value[len(potluck.Digest{}):]
	case keyInvite:
		i, err := readInvite(key, value)
		if err != nil {
			return l, err
		}
		if i.Secret = (InviteSecret{}); i.State == InviteLive {
			i.State = InviteRevoked
		}
		value = encodeInvite(i)
	}
	l.Value, err = plainOf(value)
	return l, err
}

// row gives the key and value of a line.
func (l exportLine) row() (key, value []byte, err error) {
	for prefix, name := range exportRows {
		if name == l.Row {
			key = []byte{prefix}
		}
	}
	if key == nil || l.Form != 0 || l.Self != "" || l.Time != 0 || l.Rows != nil {
		return nil, nil, fmt.Errorf("%q is no kind of row", l.Row)
	}
	rest, err := hex.DecodeString(l.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("key: %w", err)
	}
	if key = append(key, rest...); key[0] == keyCursor {
		value, err = hex.DecodeString(l.Bytes)
		return key, value, err
	}
	value, err = encodePlain(l.Value)
	if err == nil && key[0] == keyEvent {
		var chain []byte
		chain, err = hex.DecodeString(l.Chain)
		value = append(chain, value...)
	}
	return key, value, err
}

// parseLine reads the one encoding of a line, after those that were summed.
func (s *exportSum) parseLine(text []byte) (l exportLine, err error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&l); err != nil {
		return l, fmt.Errorf("no JSON of an export: %w", err)
	}
	want, err := s.seal(l)
	if err != nil {
		return l, err
	}
	if string(want) != string(text) {
		return l, fmt.Errorf("the line was changed, or lines before it are missing")
	}
	return l, nil
}
