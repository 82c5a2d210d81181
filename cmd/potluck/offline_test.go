package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// Each case under testdata/eval: the decision, the sentence, the exit code.
// Names that begin with "bad-" are refused as files, with the field's path.
func TestCreditEval(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir()) // no node is there
	cases, err := filepath.Glob("testdata/eval/*.json")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all bytes.Buffer
	for _, file := range cases {
		code, out, errout := quiet(t, "credit", "eval", file)
		name := filepath.Base(file)
		fmt.Fprintf(&all, "$ potluck credit eval %s\n= %d\n%s%s\n", name, code, out, strings.ReplaceAll(errout, file, name))
		var d decided
		switch bad := strings.HasPrefix(name, "bad-"); {
		case bad && (code != exitUsage || out != "" || strings.Count(errout, "\n") != 1):
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want 2 and one line", name, code, out, errout)
		case !bad && (json.Unmarshal([]byte(out), &d) != nil || d.Accepted != (code == exitOK) || !d.Accepted != (code == exitRefused)):
			t.Errorf("%s: exit code %d, stdout %q", name, code, out)
		}
		if jcode, jout, jerr := quiet(t, "--json", "credit", "eval", file); jcode != code || jout != out || code == exitRefused && jerr != "" {
			t.Errorf("%s with --json: exit code %d, stdout %q, stderr %q", name, jcode, jout, jerr)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var o bytes.Buffer
		if icode := run(t.Context(), []string{"credit", "eval", "-"}, streams{in: bytes.NewReader(text), out: &o, err: new(bytes.Buffer)}); icode != code || o.String() != out {
			t.Errorf("%s from stdin: exit code %d, stdout %q", name, icode, o.String())
		}
	}
	checkGolden(t, "eval.golden", all.String())
}

// orderOf is a standing order that a key signs, with its number.
func orderOf(t *testing.T, key crypto.PrivKey, number uint64, to peer.ID, limit potluck.Size) signed.Document {
	t.Helper()
	issuer, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := signed.SealOrder(key, signed.Order{Issuer: issuer, Number: number, NotBefore: 1_793_000_000, Expires: 1_793_600_000,
		Pointers: []signed.Pointer{{To: to, Limit: limit, SharePPM: signed.NoShare, Since: 1_793_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	return signed.Single(signed.KindOrder, sealed)
}

func newKey(t *testing.T) (crypto.PrivKey, peer.ID) {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, id
}

// A proof of two orders of one number holds for a third party who has only the file.
func TestCreditVerify(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir()) // no node is there
	key, issuer := newKey(t)
	_, to := newKey(t)
	one, two := orderOf(t, key, 7, to, 100), orderOf(t, key, 7, to, 200)
	proof, err := signed.Prove(one, two)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(d signed.Document) string {
		text, err := signed.FormatFile(d)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%v", d.Kind))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	code, out, errout := quiet(t, "credit", "verify", write(proof))
	if code != exitOK || !strings.Contains(out, "this is proof") || !strings.Contains(out, "signed by "+issuer.String()) {
		t.Errorf("a proof: exit code %d, %s%s", code, out, errout)
	}
	code, out, _ = quiet(t, "--json", "credit", "verify", write(proof))
	var v signed.Verdict
	if code != exitOK || json.Unmarshal([]byte(strings.ReplaceAll(out, `"host":""`, `"x":0`)), &v) != nil || !v.Proof || v.Number != 7 || len(v.Orders) != 2 {
		t.Errorf("a proof as JSON: exit code %d, %s", code, out)
	}
	if code, out, _ = quiet(t, "credit", "verify", write(one)); code != exitOK || strings.Contains(out, "proof") {
		t.Errorf("an order: exit code %d, %s", code, out)
	}
	forged := signed.Document{Kind: signed.KindOrder, Sealed: [][]byte{bytes.Clone(one.Sealed[0])}}
	forged.Sealed[0][len(forged.Sealed[0])-1] ^= 1
	if code, out, errout = quiet(t, "credit", "verify", write(forged)); code != exitDamage || out != "" || !strings.Contains(errout, "doesn't hold") {
		t.Errorf("a changed signature: exit code %d, %s%s", code, out, errout)
	}
	same := signed.Document{Kind: signed.KindConflict, Sealed: [][]byte{one.Sealed[0], one.Sealed[0]}}
	if code, out, _ = quiet(t, "credit", "verify", write(same)); code != exitDamage || out != "" {
		t.Errorf("one order twice: exit code %d, %s", code, out)
	}
	for _, text := range []string{"", "{}", "[]", "potluck", `{"potluck":"document/2","kind":"order","sealed":["AA=="]}`, strings.Repeat(" ", signed.MaxFile+1)} {
		path := filepath.Join(dir, "text")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errout := quiet(t, "credit", "verify", path); code != exitUsage || out != "" || strings.Count(errout, "\n") != 1 {
			t.Errorf("%.40q: exit code %d, %s%s", text, code, out, errout)
		}
	}
}

// A proof goes to stdout or to a file, as the node has it.
func TestCreditProof(t *testing.T) {
	key, _ := newKey(t)
	_, to := newKey(t)
	proof, err := signed.Prove(orderOf(t, key, 7, to, 100), orderOf(t, key, 7, to, 200))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.FormatFile(proof)
	if err != nil {
		t.Fatal(err)
	}
	standInFor(t, map[string]any{"GET /v1/friends/bob/proof": json.RawMessage(text)})
	path := filepath.Join(t.TempDir(), "proof")
	if code, out, errout := quiet(t, "credit", "proof", "bob"); code != exitOK || out != string(text) {
		t.Errorf("to stdout: exit code %d, %s%s; want %s", code, out, errout, text)
	}
	if code, out, errout := quiet(t, "credit", "proof", "bob", "-o", path); code != exitOK || out != "" {
		t.Errorf("to a file: exit code %d, %s%s", code, out, errout)
	}
	if code, out, _ := quiet(t, "--json", "credit", "proof", "bob", "-o", path); code != exitOK || out != `{"written":"`+path+`"}`+"\n" {
		t.Errorf("to a file with --json: exit code %d, %s", code, out)
	}
	if code, out, errout := quiet(t, "credit", "verify", path); code != exitOK || !strings.Contains(out, "this is proof") {
		t.Errorf("the file: exit code %d, %s%s", code, out, errout)
	}
}

func TestMissingCase(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir())
	for _, verb := range []string{"eval", "verify"} {
		if code, _, errout := quiet(t, "credit", verb, "/no/such/file"); code != exitNotFound || !strings.Contains(errout, "there is no file /no/such/file") {
			t.Errorf("credit %s: exit code %d, %q", verb, code, errout)
		}
	}
}
