package credit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

const example = `{"host":"D","max_hops":3,"now":"2026-11-23T00:00:00Z",
 "peers":[{"id":"P","friend":true,"denied":false,"ratio_ppm":1000000,"earned":100,"gift":0,"opening":10,"held":20,"reserved":0},
          {"id":"X","friend":false,"denied":false,"ratio_ppm":1000000,"earned":0,"gift":0,"opening":0,"held":0,"reserved":0}],
 "arcs":[{"from":"P","to":"X","limit":50,"share_ppm":400000,"frozen":false,"order":1}],
 "ask":{"peer":"X","bytes":30}}`

func TestEvalCases(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"the example", example,
			`{"accepted":true,"code":"","free":44,"short":0,"funding":[{"via":["P"],"bytes":30}],"cure":[]}`},
		{"the most", strings.Replace(example, `"bytes":30`, `"bytes":44`, 1),
			`{"accepted":true,"code":"","free":44,"short":0,"funding":[{"via":["P"],"bytes":44}],"cure":[]}`},
		{"one more", strings.Replace(example, `"bytes":30`, `"bytes":45`, 1),
			`{"accepted":false,"code":"unfunded","free":44,"short":1,"funding":[],"cure":[{"kind":"hold","bytes":1},{"kind":"pointer","bytes":1},{"kind":"ask-host","bytes":1}]}`},
		{"frozen: the limit alone", strings.Replace(example, `"frozen":false`, `"frozen":true`, 1),
			`{"accepted":true,"code":"","free":50,"short":0,"funding":[{"via":["P"],"bytes":30}],"cure":[]}`},
		{"a friend that is denied still points", strings.Replace(example, `"friend":true,"denied":false`, `"friend":true,"denied":true`, 1),
			`{"accepted":true,"code":"","free":44,"short":0,"funding":[{"via":["P"],"bytes":30}],"cure":[]}`},
		{"denied", strings.Replace(example, `"friend":false,"denied":false`, `"friend":false,"denied":true`, 1),
			`{"accepted":false,"code":"denied","free":0,"short":30,"funding":[],"cure":[{"kind":"ask-host"}]}`},
		{"no hops", strings.Replace(example, `"max_hops":3`, `"max_hops":0`, 1),
			`{"accepted":false,"code":"not-a-friend","free":0,"short":30,"funding":[],"cure":[{"kind":"befriend"}]}`},
		{"nobody's friend", strings.Replace(example, `"friend":true`, `"friend":false`, 1),
			`{"accepted":false,"code":"not-a-friend","free":0,"short":30,"funding":[],"cure":[{"kind":"befriend"},{"kind":"pointer","bytes":30}]}`},
		{"nothing asked", strings.Replace(example, `"bytes":30`, `"bytes":0`, 1),
			`{"accepted":true,"code":"","free":44,"short":0,"funding":[],"cure":[]}`},
		{"own first, then the chain", `{"peers":[{"id":"P","friend":true,"earned":5},{"id":"Q","opening":2},{"id":"X","gift":1}],
			"arcs":[{"from":"P","to":"Q","limit":9},{"from":"Q","to":"X","limit":9}],"ask":{"peer":"X","bytes":8}}`,
			`{"accepted":true,"code":"","free":8,"short":0,"funding":[{"via":[],"bytes":1},{"via":["Q"],"bytes":2},{"via":["P","Q"],"bytes":5}],"cure":[]}`},
		{"older pointer, then ID", `{"peers":[{"id":"A","friend":true,"earned":5},{"id":"B","friend":true,"earned":5},{"id":"C","friend":true,"earned":5},{"id":"X"}],
			"arcs":[{"from":"C","to":"X","limit":3,"order":2},{"from":"A","to":"X","limit":3,"order":2},{"from":"B","to":"X","limit":3,"order":1}],"ask":{"peer":"X","bytes":7}}`,
			`{"accepted":true,"code":"","free":9,"short":0,"funding":[{"via":["B"],"bytes":3},{"via":["A"],"bytes":3},{"via":["C"],"bytes":1}],"cure":[]}`},
		{"sums over 64 bits", `{"peers":[{"id":"<&\"é\n","friend":true,"ratio_ppm":1000000000,"earned":4611686018427387904,"gift":4611686018427387904,"opening":4611686018427387904}],
			"ask":{"peer":"<&\"\u00e9\u000a","bytes":4611686018427387904}}`,
			`{"accepted":true,"code":"","free":4620909390464242679808,"short":0,"funding":[{"via":[],"bytes":4611686018427387904}],"cure":[]}`},
		{"far overdrawn", `{"peers":[{"id":"X","friend":true,"ratio_ppm":1,"held":4611686018427387904,"reserved":4611686018427387904}],
			"ask":{"peer":"X","bytes":4611686018427387904}}`,
			`{"accepted":false,"code":"unfunded","free":0,"short":4611686018427387904,"funding":[],"cure":[{"kind":"ask-host","bytes":13835058055282163712}]}`},
		{"credit goes where it's owed first", `{"peers":[{"id":"X","friend":true,"earned":10,"held":10},{"id":"Y","held":7}],
			"arcs":[{"from":"X","to":"Y","limit":4}],"ask":{"peer":"X","bytes":1}}`,
			`{"accepted":false,"code":"unfunded","free":0,"short":1,"funding":[],"cure":[{"kind":"hold","bytes":5},{"kind":"ask-host","bytes":5},{"kind":"free","bytes":5}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Eval([]byte(c.file))
			if err != nil || string(got) != c.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestEvalRefuses(t *testing.T) {
	swap := func(from, to string) string {
		if !strings.Contains(example, from) {
			t.Fatalf("the example has no %s", from)
		}
		return strings.Replace(example, from, to, 1)
	}
	for _, c := range []struct{ file, path string }{
		{``, ""}, {`[]`, ""}, {`{}`, "peers"}, {example + "x", ""}, {example + "{}", ""}, {"\xff", ""},
		{example[:len(example)-1], ""}, {strings.Repeat(" ", MaxFile) + example, ""},
		{swap(`"host"`, `"hots"`), "hots"}, {swap(`"host"`, `""`), ""}, {swap(`"host":"D"`, `"host":null`), "host"},
		{swap(`"max_hops":3`, `"max_hops":-1`), "max_hops"}, {swap(`2026-11-23T`, ``), "now"},
		{swap(`"held":20`, `"held":-20`), "peers[0].held"}, {swap(`"held":20`, `"held":-0`), "peers[0].held"},
		{swap(`"held":20`, `"held":20.0`), "peers[0].held"}, {swap(`"held":20`, `"held":2e1`), "peers[0].held"},
		{swap(`"held":20`, `"held":020`), "peers[0].held"}, {swap(`"held":20`, `"held":"20"`), "peers[0].held"},
		{swap(`"held":20`, `"held":null`), "peers[0].held"}, {swap(`"held":20`, `"held":+1`), "peers[0].held"},
		{swap(`"held":20`, `"held":4611686018427387905`), "peers[0].held"},
		{swap(`"held":20`, `"held":99999999999999999999999999`), "peers[0].held"},
		{swap(`"held":20`, `"held":18446744073709551616`), "peers[0].held"},
		{swap(`"held":20`, `"held":20,"held":20`), "peers[0].held"}, {swap(`"held":20`, `"Held":20`), "peers[0].Held"},
		{swap(`"held":20`, `"paid":20`), "peers[0].paid"},
		{swap(`1000000,"earned":0`, `1000000001,"earned":0`), "peers[1].ratio_ppm"},
		{swap(`"friend":false`, `"friend":0`), "peers[1].friend"}, {swap(`"friend":false`, `"friend":falsey`), "peers[1]"},
		{swap(`"id":"X"`, `"id":"P"`), "peers[1].id"}, {swap(`"id":"X"`, `"id":5`), "peers[1].id"}, {swap(`"id":"X",`, ``), "peers[1].id"},
		{swap(`"id":"X"`, `"id":"\ud800"`), "peers[1].id"}, {swap(`"id":"X"`, `"id":"\x"`), "peers[1].id"}, {swap(`"id":"X"`, "\"id\":\"\n\""), "peers[1].id"},
		{swap(`"from":"P"`, `"from":"Q"`), "arcs[0].from"}, {swap(`"to":"X"`, `"to":"Q"`), "arcs[0].to"}, {swap(`"to":"X"`, `"to":"P"`), "arcs[0].to"},
		{swap(`"share_ppm":400000`, `"share_ppm":1000001`), "arcs[0].share_ppm"}, {swap(`"share_ppm":400000`, `"share_ppm":0.4`), "arcs[0].share_ppm"},
		{swap(`"limit":50`, `"limit":-1`), "arcs[0].limit"}, {swap(`"limit":50,"share_ppm":400000,`, ``), "arcs[0].limit"},
		{swap(`"limit":50,"share_ppm":400000,"frozen":false`, `"share_ppm":400000,"frozen":true`), "arcs[0].limit"},
		{swap(`"order":1`, `"order":1.5`), "arcs[0].order"}, {swap(`"order":1`, `"order":1,"loan":true`), "arcs[0].loan"},
		{swap(`"peer":"X"`, `"peer":"Q"`), "ask.peer"}, {swap(`"bytes":30`, `"bytes":-30`), "ask.bytes"}, {swap(`,"bytes":30`, ``), "ask.bytes"},
		{swap(`"bytes":30`, `"bytes":1e3`), "ask.bytes"}, {swap(`"arcs":[`, `"arcs":[[],`), "arcs[0]"}, {swap(`"arcs":[`, `"arcs":[,`), "arcs[0]"},
		{swap(`"peers":[`, `"peers":{`), "peers"}, {swap(`"order":1}]`, `"order":1},]`), "arcs[1]"},
	} {
		out, err := Eval([]byte(c.file))
		var field *FieldError
		if !errors.As(err, &field) || field.Path != c.path || out != nil {
			t.Errorf("%.300s\ngives %v (%s), want an error at %q", c.file, err, out, c.path)
		}
	}
	long := `{"peers":[` + strings.Repeat(`{"id":""},`, MaxFilePeers) + `{"id":""}],"ask":{"peer":"","bytes":0}}`
	if _, err := Eval([]byte(long)); err == nil || !strings.HasPrefix(err.Error(), "peers has more than 100000") {
		t.Errorf("a file of too many peers gives %.200v", err)
	}
}

type answer struct {
	Accepted bool
	Code     string
	Free     *big.Int
	Short    *big.Int
	Funding  []struct {
		Via   []string
		Bytes *big.Int
	}
	Cure []struct {
		Kind  string
		Bytes *big.Int
	}
}

// file writes a model as a file for Eval.
func (m *model) file(x ID, asked potluck.Size) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"max_hops":%d,"peers":[`, m.hops)
	for i, id := range m.ids() {
		p := m.peers[id]
		fmt.Fprintf(&b, `%s{"id":%q,"friend":%v,"denied":%v,"ratio_ppm":%d,"earned":%d,"gift":%d,"opening":%d,"held":%d,"reserved":%d}`,
			[]string{"", ","}[min(i, 1)], id, p.Friend, p.Denied, p.RatioPPM, p.Earned, p.Gift, p.Opening, p.Held, p.Reserved)
	}
	b.WriteString(`],"arcs":[`)
	comma := ""
	for _, id := range m.ids() {
		for _, a := range m.arcs[id] {
			fmt.Fprintf(&b, `%s{"from":%q,"to":%q,"limit":%d,"frozen":%v,"order":%d`, comma, id, a.To, a.Limit, a.Frozen, a.Order)
			if a.SharePPM >= 0 {
				fmt.Fprintf(&b, `,"share_ppm":%d`, a.SharePPM)
			}
			comma = ","
			b.WriteString("}")
		}
	}
	fmt.Fprintf(&b, `],"ask":{"peer":%q,"bytes":%d}}`, x, asked)
	return b.Bytes()
}

func TestEvalIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		limit := func(n *potluck.Size) { *n = min(*n, maxFileSize) }
		for id, q := range p.m.peers {
			q.Frozen, q.Paid, q.Loans, q.Newest = false, 0, 0, 0
			for _, n := range []*potluck.Size{&q.Earned, &q.Gift, &q.Opening, &q.Held, &q.Reserved} {
				limit(n)
			}
			p.m.peers[id] = q
			var arcs []Arc
			for _, a := range p.m.arcs[id] {
				if limit(&a.Limit); a.To != id && a.Limit >= 0 {
					arcs = append(arcs, a)
				}
			}
			p.m.arcs[id] = arcs
		}
		for _, id := range p.m.ids() {
			asked := min(drawSize(t, "asked"), maxFileSize)
			out, err := Eval(p.m.file(id, asked))
			if err != nil {
				t.Fatal(err)
			}
			var got answer
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			want := new(big.Int)
			if p.m.may(id) {
				want = p.m.free(id)
			}
			fits := p.m.may(id) && want.Cmp(huge(asked)) >= 0
			if got.Accepted != fits || (got.Code == "") != fits || got.Free.Cmp(want) != 0 {
				t.Fatalf("%s asks %d of %v: %s", id, asked, want, out)
			}
			total := new(big.Int).Set(got.Short)
			for _, f := range got.Funding {
				total.Add(total, f.Bytes)
			}
			if !fits {
				total.Add(total, got.Free)
			}
			if total.Cmp(huge(asked)) != 0 {
				t.Fatalf("%s asks %d: the parts make %v: %s", id, asked, total, out)
			}
			if fits != (len(got.Cure) == 0) {
				t.Fatalf("cures: %s", out)
			}
		}
	})
}

// Each cure of an ask that isn't funded is enough, and one byte less isn't.
func TestCuresAreTheLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		for _, id := range p.m.ids() {
			asked := potluck.Size(rapid.IntRange(0, 60).Draw(t, "asked"))
			r := p.Admit(id, potluck.MaxSize, asked).Refusal
			if r == nil || r.Code != potluck.CodeUnfunded {
				continue
			}
			steady := true // what it points away doesn't grow with its supply
			for _, a := range p.m.arcs[id] {
				steady = steady && (a.SharePPM < 0 || a.Frozen)
			}
			for _, c := range r.Cures {
				if hops, _ := p.Distance(id); c.Kind == potluck.CurePointer && hops > 1 {
					continue // it comes nearer by it, and so do those whom it sponsors
				}
				if q := p.m.peers[id]; c.Bytes > potluck.MaxSize || q.Earned > potluck.MaxSize || min(q.Gift, q.Opening) > potluck.MaxSize {
					continue
				}
				if !p.m.cured(id, c, 0).Fits(id, asked) {
					t.Fatalf("%s asks %d, %v isn't enough", id, asked, c)
				}
				if (steady || c.Kind == potluck.CurePointer) && p.m.cured(id, c, 1).Fits(id, asked) {
					t.Fatalf("%s asks %d, less than %v is enough", id, asked, c)
				}
			}
		}
	})
}

// cured is the book after a cure, less some bytes.
func (m *model) cured(id ID, c potluck.Cure, less potluck.Size) *Book {
	b, p, n := m.rebuilt(), m.peers[id], c.Bytes-less
	switch c.Kind {
	case potluck.CureHold:
		p.Earned += n
	case potluck.CureAskHost:
		p.Opening, p.Gift = max(p.Opening, p.Gift), min(p.Opening, p.Gift)
		p.Gift += n
	case potluck.CureFree:
		p.Held -= n
	case potluck.CurePointer:
		b.Put(Peer{ID: "a friend", Friend: true, Gift: potluck.MaxSize})
		b.SetArcs("a friend", []Arc{{To: id, Limit: n, SharePPM: NoShare}})
	}
	b.Put(p)
	return b
}

func FuzzEval(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(strings.Replace(example, `"bytes":30`, `"bytes":45`, 1)))
	f.Add([]byte(`{"peers":[{"id":"\ud83d\ude00\"","friend":true,"gift":9}],"ask":{"peer":"😀\"","bytes":4}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		out, err := Eval(file)
		if err != nil {
			var field *FieldError
			if out != nil || !errors.As(err, &field) || field.Reason == "" || !errors.As(err, &field) {
				t.Fatalf("%v, %s", err, out)
			}
			return
		}
		var got answer
		if err := json.Unmarshal(out, &got); err != nil || got.Accepted != (got.Code == "") {
			t.Fatalf("%v: %s", err, out)
		}
		if !json.Valid(file) {
			t.Fatalf("no JSON, and taken: %q", file)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, file); err != nil {
			t.Fatal(err)
		}
		if again, err := Eval(compact.Bytes()); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("without spaces: %v, %s, was %s", err, again, out)
		}
	})
}
