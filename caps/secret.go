package caps

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what every key shows instead of itself.
const hidden = "[secret]"

// show writes text for any verb and flag, so that %x or %d show no more than %v.
func show(f fmt.State, text string) { _, _ = io.WriteString(f, text) }

// String hides the key.
func (Key) String() string { return hidden }

// GoString hides the key.
func (Key) GoString() string { return hidden }

// Format hides the key under every verb.
func (Key) Format(f fmt.State, _ rune) { show(f, hidden) }

// MarshalText hides the key in JSON, TOML and XML.
func (Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the key in logs.
func (Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret.
func (Secret) GoString() string { return hidden }

// Format hides the secret under every verb.
func (Secret) Format(f fmt.State, _ rune) { show(f, hidden) }

// MarshalText hides the secret in JSON, TOML and XML.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the secret in logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Format hides the subkeys under every verb.
func (*Cipher) Format(f fmt.State, _ rune) { show(f, "[cipher]") }

// LogValue hides the subkeys in logs.
func (*Cipher) LogValue() slog.Value { return slog.StringValue("[cipher]") }

// Format hides the secret under every verb.
func (*Converger) Format(f fmt.State, _ rune) { show(f, "[converger]") }

// LogValue hides the secret in logs.
func (*Converger) LogValue() slog.Value { return slog.StringValue("[converger]") }

// String names the storage index and hides the key.
func (r Read) String() string { return "[read cap " + r.Index().String() + "]" }

// GoString is String.
func (r Read) GoString() string { return r.String() }

// Format is String under every verb.
func (r Read) Format(f fmt.State, _ rune) { show(f, r.String()) }

// MarshalText is String: caps are put into JSON by Text, deliberately.
func (r Read) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue is String.
func (r Read) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the storage index. A verify cap opens no content.
func (v Verify) String() string { return "[verify cap " + v.Index.String() + "]" }

// String gives the number of bytes and hides them.
func (l Literal) String() string { return fmt.Sprintf("[literal cap of %d bytes]", len(l.Data)) }

// GoString is String.
func (l Literal) GoString() string { return l.String() }

// Format is String under every verb.
func (l Literal) Format(f fmt.State, _ rune) { show(f, l.String()) }

// MarshalText is String: caps are put into JSON by Text, deliberately.
func (l Literal) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// LogValue is String.
func (l Literal) LogValue() slog.Value { return slog.StringValue(l.String()) }
