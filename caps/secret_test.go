package caps

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"potluck"
)

// TestSecretsNeverPrint puts a recognisable secret through every way by which
// values get into logs and answers.
func TestSecretsNeverPrint(t *testing.T) {
	raw := [32]byte([]byte("QJXZWKVYQJXZWKVYQJXZWKVY\x90\x91\x92\x93\x94\x95\x96\x97"))
	read := Read{Layout: potluck.Layout{Suite: 1, K: 1, N: 1, Block: 1024, Size: 1}, Key: Key(raw)}
	literal := Literal{Data: raw[:]}
	values := map[string]any{
		"key": Key(raw), "key pointer": (*Key)(&raw), "secret": Secret(raw), "secret pointer": (*Secret)(&raw),
		"read": read, "read pointer": &read, "literal": literal, "literal pointer": &literal, "cap": Cap(read), "caps": []Cap{read, literal},
		"keys": []Key{raw}, "struct": struct{ K Key }{raw}, "map": map[Key]Secret{raw: raw},
		"cipher": &Cipher{salsa: raw, nonce: [16]byte(raw[:])}, "converger": NewConverger(Secret(raw), read.Layout),
	}
	for name, v := range values {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%08.3x", "% x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		if s, ok := v.(fmt.Stringer); ok {
			fmt.Fprintln(&out, s.String())
		}
		if s, ok := v.(fmt.GoStringer); ok {
			fmt.Fprintln(&out, s.GoString())
		}
		fmt.Fprintln(&out, fmt.Errorf("operation: %v", v))
		_ = json.NewEncoder(&out).Encode(v)
		_ = json.NewEncoder(&out).Encode(map[string]any{"v": v})
		_ = xml.NewEncoder(&out).Encode(v)
		_ = toml.NewEncoder(&out).Encode(map[string]any{"v": v})
		if form := leak(out.String(), raw); form != "" {
			t.Errorf("%s prints its %s: %s", name, form, &out)
		}
	}
}

// leak looks for a few bytes of raw in every form that fmt and the encoders
// could give them, and names the form found.
func leak(out string, raw [32]byte) string {
	part := raw[4:8]
	text := Read{Key: Key(raw)}.Text()
	for form, s := range map[string]string{
		"bytes": string(part), "hex": hex.EncodeToString(part), "spaced hex": fmt.Sprintf("% x", part),
		"decimal": strings.Trim(fmt.Sprint(part), "[]"), "list": "87, 75, 86", "json": "87,75,86", "go": "0x57, 0x4b",
		"octal": strings.Trim(fmt.Sprintf("%o", part), "[]"), "binary": strings.Trim(fmt.Sprintf("%b", part), "[]"),
		"code points": "U+0057 U+004B", "chars": "W K V", "base64": base64.StdEncoding.EncodeToString(raw[6:12]), "cap": text[60:80],
	} {
		if strings.Contains(strings.ToLower(out), strings.ToLower(s)) {
			return form
		}
	}
	return ""
}

// TestLeakFinds shows that leak finds what it looks for.
func TestLeakFinds(t *testing.T) {
	raw := [32]byte([]byte("QJXZWKVYQJXZWKVYQJXZWKVY12345678"))
	for _, verb := range []string{"%v", "%x", "%X", "% x", "%#v", "%s", "%o", "%b", "%c", "%U"} {
		if leak(fmt.Sprintf(verb, raw), raw) == "" {
			t.Errorf("an array printed by %s isn't noticed", verb)
		}
	}
	for _, s := range []string{jsonText(raw), jsonText(raw[:]), Read{Key: raw}.Text()} {
		if leak(s, raw) == "" {
			t.Errorf("%s isn't noticed", s)
		}
	}
}

func TestDescriptions(t *testing.T) {
	r := Read{Key: Key{1}}
	for got, want := range map[string]string{
		fmt.Sprint(Key{}, Secret{}):                          "[secret] [secret]",
		fmt.Sprint(r):                                        "[read cap " + r.Index().String() + "]",
		fmt.Sprint(r.Verify()):                               "[verify cap " + r.Index().String() + "]",
		fmt.Sprint(Literal{Data: raw(7)}):                    "[literal cap of 7 bytes]",
		fmt.Sprint(NewCipher(Key{})):                         "[cipher]",
		fmt.Sprint(NewConverger(Secret{}, potluck.Layout{})): "[converger]",
		jsonText(Key{}):                                      `"[secret]"`,
		jsonText(r):                                          `"` + r.String() + `"`,
		jsonText(Literal{}):                                  `"[literal cap of 0 bytes]"`,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLogValues(t *testing.T) {
	for want, v := range map[string]slog.LogValuer{
		"[secret]": Key{1}, "[literal cap of 0 bytes]": Literal{}, Read{}.String(): Read{}, "[cipher]": NewCipher(Key{}),
		"[converger]": NewConverger(Secret{}, potluck.Layout{}),
	} {
		if got := v.LogValue(); got.Kind() != slog.KindString || got.String() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := (Secret{1}).LogValue(); got.String() != "[secret]" {
		t.Error(got)
	}
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func raw(n int) []byte { return make([]byte, n) }
