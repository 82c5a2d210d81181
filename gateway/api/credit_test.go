package api

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"potluck"
)

// chainOfThree: dave is a host, bob holds for him, carol knows bob only.
func chainOfThree(t *testing.T) (bob, dave, carol friend) {
	t.Helper()
	all := friends(t, "bob", "dave", "carol")
	bob, dave, carol = all[0], all[1], all[2]
	none := potluck.Size(0)
	if _, err := dave.SetTerms(t.Context(), "bob", TermsChange{Opening: &none}); err != nil {
		t.Fatal(err)
	}
	if _, err := dave.Put(t.Context(), PutRequest{Name: "film", K: 1, N: 1, Random: true}, bytes.NewReader(random(t, 1<<20)), nil); err != nil {
		t.Fatal(err)
	}
	return bob, dave, carol
}

// until repeats a question until its answer is good.
func until(t *testing.T, what string, good func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !good() {
		select {
		case <-deadline:
			t.Fatalf("%s: not after 20 s", what)
		case <-again.C:
		}
	}
}

// Credit that bob has at dave, by holding for him, lets carol keep a file at
// dave, whom she never met; every side can say why.
func TestCreditIsPointed(t *testing.T) {
	bob, dave, carol := chainOfThree(t)
	half := int64(500_000)
	plan, err := bob.CreditTo(t.Context(), CreditToRequest{To: "carol", SharePPM: &half, DryRun: true})
	if err != nil || plan.Signed || plan.Sentence == "" {
		t.Fatalf("the preview: %+v, %v", plan, err)
	}
	if v, err := bob.Credit(t.Context()); err != nil || v.Order.Number != 0 || len(v.Out) != 0 {
		t.Fatalf("after a preview: %+v, %v; want nothing signed", v, err)
	}
	done, err := bob.CreditTo(t.Context(), CreditToRequest{To: "carol", SharePPM: &half})
	if err != nil || !done.Signed || done.Number != 1 || len(done.Pointers) != 1 || *done.Pointers[0].SharePPM != half {
		t.Fatalf("pointing: %+v, %v", done, err)
	}
	until(t, "carol has credit at dave", func() bool {
		v, err := carol.Credit(t.Context())
		if err != nil || len(v.In) != 1 || v.In[0].From.Peer != bob.node.Self() {
			return false
		}
		for _, at := range v.Mine {
			if at.Peer == dave.node.Self() && at.Known && at.Free > 0 && len(at.Sponsors) == 1 {
				return true
			}
		}
		return false
	})
	res, err := carol.Put(t.Context(), PutRequest{Name: "song", K: 1, N: 1, Hosts: []string{dave.node.Self().String()}, Explain: true}, bytes.NewReader(random(t, 300<<10)), nil)
	if err != nil || len(res.Placed) != 1 || res.Placed[0].Host != dave.node.Self() || len(res.Explain) == 0 || !res.Explain[0].Chosen {
		t.Fatalf("carol puts at dave: %+v, %v", res, err)
	}
	why, err := dave.Why(t.Context(), carol.node.Self().String())
	if err != nil || why.Serve.Held != res.Placed[0].Charge || len(why.Serve.Funding) != 1 || len(why.Serve.Funding[0].Via) != 1 ||
		why.Serve.Funding[0].Via[0].Peer != bob.node.Self() || !strings.Contains(why.Sentence, "bob") {
		t.Errorf("why dave serves carol: %+v, %v", why, err)
	}
	if _, err := carol.Put(t.Context(), PutRequest{K: 1, N: 1, Hosts: []string{dave.node.Self().String()}}, bytes.NewReader(random(t, 600<<10)), nil); err == nil {
		t.Error("carol put more than half of what bob holds")
	} else if e := wantKind(t, "more than the pointer", err, KindRefused); e != nil && !strings.Contains(string(e.Details), `"short"`) {
		t.Errorf("the details are %s", e.Details)
	}
	who, err := dave.Who(t.Context())
	if err != nil || len(who.Rows) != 2 {
		t.Fatalf("who: %+v, %v", who, err)
	}
	revoked, err := bob.CreditRevoke(t.Context(), CreditRevokeRequest{To: "carol"})
	if err != nil || revoked.Number != 2 || len(revoked.Pointers) != 0 {
		t.Fatalf("revoke: %+v, %v", revoked, err)
	}
	until(t, "carol's bytes stay charged to bob", func() bool {
		w, err := dave.Why(t.Context(), "bob")
		return err == nil && len(w.Serve.Out) == 1 && w.Serve.Out[0].Frozen && w.Serve.Out[0].Bytes == res.Placed[0].Charge
	})
	for _, f := range []friend{bob, dave, carol} {
		if r, err := f.Check(t.Context()); err != nil || !r.Clean {
			t.Errorf("check: %+v, %v", r, err)
		}
	}
}

// Nothing that can't be is signed, and each is told by its kind.
func TestBadCredit(t *testing.T) {
	bob, _, _ := chainOfThree(t)
	if _, err := bob.Deny(t.Context(), "dave"); err != nil {
		t.Fatal(err)
	}
	size := func(n potluck.Size) *potluck.Size { return &n }
	ppm := func(n int64) *int64 { return &n }
	me, stranger := bob.node.Self().String(), "nobody"
	for name, test := range map[string]struct {
		request CreditToRequest
		kind    Kind
	}{
		"to nobody":          {CreditToRequest{}, KindUsage},
		"to a stranger":      {CreditToRequest{To: stranger}, KindNotFound},
		"to oneself":         {CreditToRequest{To: me}, KindUsage},
		"to a denied peer":   {CreditToRequest{To: "dave"}, KindUsage},
		"at a stranger":      {CreditToRequest{To: "carol", Host: stranger}, KindNotFound},
		"at oneself":         {CreditToRequest{To: "carol", Host: me}, KindUsage},
		"at the beneficiary": {CreditToRequest{To: "carol", Host: "carol"}, KindUsage},
		"over 100 %":         {CreditToRequest{To: "carol", SharePPM: ppm(1_000_001)}, KindUsage},
		"a negative share":   {CreditToRequest{To: "carol", SharePPM: ppm(-1)}, KindUsage},
		"a negative limit":   {CreditToRequest{To: "carol", Limit: size(-1)}, KindUsage},
		"a huge limit":       {CreditToRequest{To: "carol", Limit: size(potluck.MaxSize + 1)}, KindUsage},
		"over already":       {CreditToRequest{To: "carol", Until: 1_000_000_000}, KindUsage},
		"a negative end":     {CreditToRequest{To: "carol", Until: -1}, KindUsage},
		"a loan of anything": {CreditToRequest{To: "carol", Loan: true}, KindUsage},
		"a loan not covered": {CreditToRequest{To: "carol", Loan: true, Limit: size(potluck.TiB)}, KindRefused},
	} {
		for _, dry := range []bool{true, false} {
			test.request.DryRun = dry
			_, err := bob.CreditTo(t.Context(), test.request)
			wantKind(t, name, err, test.kind)
		}
	}
	_, err := bob.CreditRevoke(t.Context(), CreditRevokeRequest{To: "carol"})
	wantKind(t, "revoke nothing", err, KindNotFound)
	_, err = bob.CreditDecline(t.Context(), CreditDeclineRequest{Issuer: stranger})
	wantKind(t, "decline a stranger", err, KindNotFound)
	_, err = bob.RepayVia(t.Context(), RepayViaRequest{Node: stranger})
	wantKind(t, "repay via a stranger", err, KindNotFound)
	_, err = bob.RepayVia(t.Context(), RepayViaRequest{Node: "carol", SharePPM: ppm(1_000_001)})
	wantKind(t, "repay more than all", err, KindUsage)
	_, err = bob.RepayVia(t.Context(), RepayViaRequest{Node: "carol", SharePPM: ppm(-1)})
	wantKind(t, "repay less than nothing", err, KindUsage)
	_, err = bob.RepayVia(t.Context(), RepayViaRequest{Node: "carol", Off: true})
	wantKind(t, "end what never was", err, KindNotFound)
	_, err = bob.WorkFor(t.Context(), WorkForRequest{Peer: stranger})
	wantKind(t, "work for a stranger", err, KindNotFound)
	_, err = bob.WorkFor(t.Context(), WorkForRequest{Peer: me})
	wantKind(t, "work for oneself", err, KindUsage)
	_, err = bob.Why(t.Context(), stranger)
	wantKind(t, "why a stranger", err, KindNotFound)
	_, err = bob.Proof(t.Context(), "carol")
	wantKind(t, "no proof", err, KindNotFound)
	step := "gone"
	_, err = bob.SetStanding(t.Context(), "carol", StandingChange{Pin: &step})
	wantKind(t, "no such step", err, KindUsage)
	_, err = bob.SetStanding(t.Context(), "carol", StandingChange{})
	wantKind(t, "no change", err, KindUsage)
	_, err = bob.SetHousehold(t.Context(), HouseholdRequest{Label: "home", Members: []string{stranger}})
	wantKind(t, "a household with a stranger", err, KindNotFound)
	_, err = bob.SetHousehold(t.Context(), HouseholdRequest{Label: "", Members: []string{"carol"}})
	wantKind(t, "a household without a name", err, KindUsage)
	if v, err := bob.Credit(t.Context()); err != nil || v.Order.Number != 0 || len(v.Out) != 0 || len(v.Repay) != 0 || len(v.WorksFor) != 0 {
		t.Errorf("after all that: %+v, %v; want nothing signed", v, err)
	}
	if h, err := bob.Household(t.Context()); err != nil || h.Label != "" || h.Number != 0 {
		t.Errorf("after all that: %+v, %v; want no household", h, err)
	}
}

// The specification has every call about credit, and every key of their bodies.
func TestSpecHasEveryCreditCall(t *testing.T) {
	b, err := os.ReadFile("../../docs/spec/api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for route := range new(server).creditRoutes() {
		if call := "`" + strings.ReplaceAll(route, "{peer}", "PEER"); !strings.Contains(text, call+"`") && !strings.Contains(text, call+"?") {
			t.Errorf("%s isn't in the specification", call)
		}
	}
	for _, body := range []any{CreditToRequest{}, CreditRevokeRequest{}, CreditDeclineRequest{}, RepayViaRequest{}, WorkForRequest{}, StandingChange{}, HouseholdRequest{},
		CreditOverview{}, OrderView{}, CreditAt{}, SponsorView{}, PointerView{}, RepayView{}, WorkView{}, CreditPreview{}, PreviewLine{}, RepayResult{}, WorkResult{}, WhyView{}, ServeView{},
		EarnedFor{}, FundView{}, FlowView{}, StandingView{}, StandingSide{}, HouseholdView{}, HouseholdMember{}, HouseholdClaim{}, Friend{}} {
		of := reflect.TypeOf(body)
		for i := range of.NumField() {
			if key, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); key != "" && !strings.Contains(text, `"`+key+`"`) {
				t.Errorf("%v: key %q isn't in the specification", of, key)
			}
		}
	}
}

func TestStrictCreditBodies(t *testing.T) {
	alice := start(t, "alice", filepath.Join(t.TempDir(), "data"))
	for path, key := range map[string]string{"POST /v1/credit/to": "to", "POST /v1/credit/revoke": "to", "POST /v1/credit/decline": "issuer", "POST /v1/credit/repay": "node",
		"POST /v1/credit/work-for": "peer", "PUT /v1/household": "label"} {
		method, path, _ := strings.Cut(path, " ")
		for name, body := range map[string]string{"unknown field": `{"` + key + `":"x","nome":"y"}`, "two": `{} {}`, "list": `[]`, "cut": `{"` + key + `":`,
			"a number for a name": `{"` + key + `":5}`} {
			_, err := alice.ask(t.Context(), method, path, strings.NewReader(body))
			wantKind(t, path+" "+name, err, KindUsage)
		}
	}
	for name, body := range map[string]string{"half a byte": `{"to":"x","limit":0.5}`, "too many": `{"to":"x","limit":9223372036854775808}`, "text": `{"to":"x","limit":"5G"}`,
		"half a millionth": `{"to":"x","share_ppm":0.5}`} {
		_, err := alice.ask(t.Context(), "POST", "/v1/credit/to", strings.NewReader(body))
		wantKind(t, name, err, KindUsage)
	}
}

// Standings, households and debts go both ways over the API.
func TestStandingAndHousehold(t *testing.T) {
	all := friends(t, "alice", "bob")
	alice, bob := all[0], all[1]
	step := "slowed"
	if v, err := alice.SetStanding(t.Context(), "bob", StandingChange{Pin: &step}); err != nil || v.Mine.Step != step || !v.Mine.Pinned {
		t.Fatalf("pin: %+v, %v", v, err)
	}
	until(t, "bob knows where it stands", func() bool {
		v, err := bob.Standing(t.Context(), "alice")
		return err == nil && v.Theirs.Known && v.Theirs.Step == step
	})
	if v, err := alice.SetStanding(t.Context(), "bob", StandingChange{Unpin: true}); err != nil || v.Mine.Pinned {
		t.Errorf("unpin: %+v, %v", v, err)
	}
	if v, err := alice.Pardon(t.Context(), "bob"); err != nil || v.Mine.Step != "good" || v.Mine.Breach != 0 {
		t.Errorf("pardon: %+v, %v", v, err)
	}
	_, err := alice.RepayVia(t.Context(), RepayViaRequest{Node: "bob"})
	wantKind(t, "repay via who doesn't consent", err, KindUsage)
	if v, err := bob.WorkFor(t.Context(), WorkForRequest{Peer: "alice"}); err != nil || len(v.WorksFor) != 1 {
		t.Errorf("work for: %+v, %v", v, err)
	}
	until(t, "a preview of bob repaying for alice", func() bool {
		v, err := alice.RepayVia(t.Context(), RepayViaRequest{Node: "bob", DryRun: true})
		return err == nil && !v.Signed && v.Sentence != ""
	})
	until(t, "bob repays for alice", func() bool {
		v, err := alice.RepayVia(t.Context(), RepayViaRequest{Node: "bob"})
		return err == nil && v.Signed && len(v.Repay) == 1 && v.Repay[0].Consent && v.Repay[0].SharePPM == 1_000_000 && v.Own == 0
	})
	if v, err := alice.RepayVia(t.Context(), RepayViaRequest{Node: "bob", Off: true}); err != nil || len(v.Repay) != 0 || v.Own != 1_000_000 {
		t.Errorf("repay via, off: %+v, %v", v, err)
	}
	if _, err := alice.SetHousehold(t.Context(), HouseholdRequest{Label: "home", Members: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.SetHousehold(t.Context(), HouseholdRequest{Label: "home", Members: []string{"alice"}}); err != nil {
		t.Fatal(err)
	}
	until(t, "one household", func() bool {
		v, err := alice.Household(t.Context())
		return err == nil && v.Label == "home" && len(v.Members) == 1 && v.Members[0].Mutual
	})
	if v, err := alice.SetHousehold(t.Context(), HouseholdRequest{Leave: true}); err != nil || v.Label != "" {
		t.Errorf("leave: %+v, %v", v, err)
	}
}
