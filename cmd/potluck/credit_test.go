package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/gateway/api"
)

// standIn answers the local API with what a test gives it, and keeps what it was asked.
type standIn struct {
	data    string
	answers map[string]any // by "METHOD /path"

	mu    sync.Mutex
	asked []string // under mu: "METHOD /path body"
}

// standInFor starts one, and points POTLUCK_DATA to it.
func standInFor(t *testing.T, answers map[string]any) *standIn {
	t.Helper()
	dir, err := os.MkdirTemp("", "cli-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &standIn{data: dir, answers: answers}
	t.Setenv("POTLUCK_DATA", dir)
	l, err := net.Listen("unix", filepath.Join(dir, "api.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s}
	ended := make(chan struct{})
	go func() { // ends with Close
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		<-ended
		os.RemoveAll(dir)
	})
	return s
}

// ServeHTTP notes the request, and answers it.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.EscapedPath(), body)))
	s.mu.Unlock()
	answer, ok := s.answers[r.Method+" "+r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"error": api.Error{Kind: api.KindUsage, Message: "the stand-in has no answer to " + r.URL.Path}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// requests gives what was asked, and forgets it.
func (s *standIn) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.asked
	s.asked = nil
	return all
}

// party is somebody with a key.
func party(name string) api.Party {
	p, err := peer.Decode("12D3KooWGRUVh7fPmSDMpjbUVuxBQjCsDGaBkhLYJv8mbPEZz1kN")
	if err != nil {
		panic(err)
	}
	return api.Party{Peer: p, Name: name}
}

// evilName is what a peer may call itself.
const evilName = "mallory\x1b[2J"

func preview(signed bool) api.CreditPreview {
	return api.CreditPreview{Sentence: "carol may use up to 27 GB of what alice counts for you", Signed: signed, Number: 3, Expires: 1_800_000_000,
		Lines:     []api.PreviewLine{{Known: true, Before: 1, After: 2, Host: party("alice"), Party: party("bob"), Sentence: "at alice: you 45 GB before, 27 GB after; " + evilName + " 0 B before, 18 GB after"}},
		Delivered: []api.Party{party("alice")}, Waiting: []api.Party{party(evilName), party("bob")}}
}

// What is signed was shown before, and at a terminal a person said yes.
func TestCreditToAsksFirst(t *testing.T) {
	const dry = `POST /v1/credit/to {"to":"carol","share_ppm":400000,"dry_run":true}`
	const sign = `POST /v1/credit/to {"to":"carol","share_ppm":400000}`
	for name, test := range map[string]struct {
		flags    string
		terminal bool
		typed    string
		code     int
		asked    []string
		preview  string // the stream that has it
	}{
		"yes at a terminal":   {terminal: true, typed: "y\n", asked: []string{dry, sign}, preview: "err"},
		"YES at a terminal":   {terminal: true, typed: " YES \n", asked: []string{dry, sign}, preview: "err"},
		"quiet at a terminal": {flags: "-q", terminal: true, typed: "y\n", asked: []string{dry, sign}, preview: "err"},
		"no at a terminal":    {terminal: true, typed: "n\n", code: exitError, asked: []string{dry}, preview: "err"},
		"return":              {terminal: true, typed: "\n", code: exitError, asked: []string{dry}, preview: "err"},
		"end of input":        {terminal: true, code: exitError, asked: []string{dry}, preview: "err"},
		"--yes":               {flags: "--yes", terminal: true, asked: []string{dry, sign}, preview: "err"},
		"no terminal":         {asked: []string{dry, sign}, preview: "err"},
		"quiet script":        {flags: "-q", asked: []string{dry, sign}},
		"--dry-run":           {flags: "--dry-run", terminal: true, asked: []string{dry}, preview: "out"},
		"--json":              {flags: "--json", terminal: true, asked: []string{dry, sign}, preview: "json"},
		"--json --dry-run":    {flags: "--json --dry-run", asked: []string{dry}, preview: "json"},
	} {
		t.Run(name, func(t *testing.T) {
			s := standInFor(t, map[string]any{"POST /v1/credit/to": preview(true)})
			var out, errout bytes.Buffer
			args := append([]string{"credit", "to", "carol", "--share", "40%"}, strings.Fields(test.flags)...)
			code := run(t.Context(), args, streams{in: strings.NewReader(test.typed), inTerminal: test.terminal, out: &out, err: &errout})
			if got := s.requests(); code != test.code || strings.Join(got, "\n") != strings.Join(test.asked, "\n") {
				t.Errorf("exit code %d, asked %q; want %d, %q", code, got, test.code, test.asked)
			}
			shown := map[string]string{"out": out.String(), "err": errout.String()}[test.preview]
			if strings.Contains(out.String()+errout.String(), "\x1b") {
				t.Errorf("a peer's name reaches the terminal: %q, %q", out.String(), errout.String())
			}
			if test.preview == "out" || test.preview == "err" {
				if !strings.Contains(shown, `mallory\x1b[2J 0 B before`) {
					t.Errorf("the preview isn't in std%s: %q, %q", test.preview, out.String(), errout.String())
				}
			} else if errout.Len() > 0 {
				t.Errorf("stderr has %q", errout.String())
			}
			var p api.CreditPreview
			if test.preview == "json" && (json.Unmarshal(out.Bytes(), &p) != nil || p.Number != 3) {
				t.Errorf("the JSON is %s", out.String())
			}
		})
	}
}

// Each verb asks for what it was told, and nothing else.
func TestCreditRequests(t *testing.T) {
	s := standInFor(t, nil)
	for args, want := range map[string]string{
		"credit":      `GET /v1/credit`,
		"credit show": `GET /v1/credit`,
		"credit to bob --limit 2GiB --at alice --loan --until 2030-01-01 --dry-run": `POST /v1/credit/to {"to":"bob","host":"alice","limit":2147483648,"loan":true,"until":1893456000,"dry_run":true}`,
		"credit to bob --dry-run":                `POST /v1/credit/to {"to":"bob","dry_run":true}`,
		"credit revoke bob":                      `POST /v1/credit/revoke {"to":"bob"}`,
		"credit revoke bob --at alice --dry-run": `POST /v1/credit/revoke {"to":"bob","host":"alice","dry_run":true}`,
		"credit decline bob":                     `POST /v1/credit/decline {"issuer":"bob"}`,
		"credit decline bob --undo":              `POST /v1/credit/decline {"issuer":"bob","undo":true}`,
		"credit proof a/b":                       `GET /v1/friends/a%2Fb/proof`,
		"repay via home":                         `POST /v1/credit/repay {"node":"home"}`,
		"repay via home --share 12.5% --dry-run": `POST /v1/credit/repay {"node":"home","share_ppm":125000,"dry_run":true}`,
		"repay via home --off":                   `POST /v1/credit/repay {"node":"home","off":true}`,
		"work-for bob":                           `POST /v1/credit/work-for {"peer":"bob"}`,
		"work-for bob --off":                     `POST /v1/credit/work-for {"peer":"bob","off":true}`,
		"why bob":                                `GET /v1/friends/bob/why`,
		"standing bob":                           `GET /v1/friends/bob/standing`,
		"standing bob --pin slowed":              `PATCH /v1/friends/bob/standing {"pin":"slowed"}`,
		"standing bob --unpin":                   `PATCH /v1/friends/bob/standing {"unpin":true}`,
		"standing bob --evict":                   `PATCH /v1/friends/bob/standing {"word":true}`,
		"pardon bob":                             `POST /v1/friends/bob/pardon {}`,
		"household":                              `GET /v1/household`,
		"household set home bob carol":           `PUT /v1/household {"label":"home","members":["bob","carol"]}`,
		"household leave":                        `PUT /v1/household {"label":"","members":[],"leave":true}`,
	} {
		code, out, errout := quiet(t, strings.Fields(args)...)
		if got := s.requests(); code != exitUsage || out != "" || len(got) != 1 || got[0] != want {
			t.Errorf("potluck %s: exit code %d, asked %q, %s; want %q", args, code, got, errout, want)
		}
	}
}

// The text of each verb, from one answer each.
func TestCreditText(t *testing.T) {
	s := standInFor(t, creditAnswers())
	var all bytes.Buffer
	for _, args := range []string{"credit", "credit to carol --limit 2G", "credit revoke carol --dry-run", "credit decline bob", "repay via home", "work-for bob", "why bob",
		"standing bob", "pardon bob", "household", "who"} {
		code, out, errout := quiet(t, strings.Fields(args)...)
		if code != exitOK {
			t.Errorf("potluck %s: exit code %d, %s", args, code, errout)
		}
		if strings.Contains(out+errout, "\x1b") {
			t.Errorf("potluck %s: a peer's name reaches the terminal", args)
		}
		all.WriteString("$ potluck " + args + "\n" + out + "\n")
		code, out, _ = quiet(t, append(strings.Fields(args), "--json")...)
		if code != exitOK || !json.Valid([]byte(out)) || strings.Count(out, "\n") != 1 {
			t.Errorf("potluck %s --json: exit code %d, %s", args, code, out)
		}
	}
	s.requests()
	checkGolden(t, "credit.golden", all.String())
}

func ref[T any](v T) *T { return &v }

// creditAnswers has something in every field that text is made of.
func creditAnswers() map[string]any {
	const day, g = int64(86400), potluck.GiB
	now := int64(1_793_000_000)
	alice, bob, carol := party("alice"), party("bob"), party(evilName)
	at := api.CreditAt{Party: alice, Friend: true, Connected: true, Known: true, AsOf: now, Earned: 3 * g, Held: g, Reserved: 0, Loans: g / 2, Supply: 4 * g, Free: 5 * g / 2,
		Step: "good", Sponsors: []api.SponsorView{{Party: bob, Limit: 2 * g, Used: g / 4}, {Party: carol, Limit: -1, Used: 0}},
		Sentence: "alice lets you add 2.5 GiB"}
	pointer := api.PointerView{From: bob, To: carol, Host: &alice, Limit: ref(2 * g), SharePPM: ref(int64(125_000)), Since: now - day, Expires: now + 30*day, State: "live", Used: g / 4}
	bare := api.PointerView{From: carol, To: bob, Loan: true, Limit: ref(g), Since: now, Expires: now + day, State: "frozen"}
	share := api.PointerView{From: carol, To: bob, SharePPM: ref(int64(400_000)), Since: now, Expires: now + day, State: "live"}
	work := []api.WorkView{{Party: bob, Allotted: true, SharePPM: 1_000_000, Bytes: 3 * g, Expires: now + day}, {Party: carol, Expires: now + day}}
	repay := []api.RepayView{{Party: alice, SharePPM: 750_000, Consent: true, Expires: now + day}, {Party: bob, SharePPM: 1, Expires: now + day}}
	serve := api.ServeView{Sentence: "bob may use 4 GiB here and uses 1.5 GiB", RatioPPM: 500_000, Earned: 6 * g, EarnedFor: []api.EarnedFor{}, Gift: g / 2, Opening: g / 4, Paid: g / 4,
		PaidUntil: now + day, Supply: 4 * g, Held: g, Reserved: g / 4, Loans: g / 4, Demand: 3 * g / 2, Free: 0, Short: g / 8,
		Funding: []api.FundView{{Bytes: g}, {Via: []api.Party{alice}, Bytes: g / 4}, {Via: []api.Party{alice, carol}, Bytes: g / 8}},
		In:      []api.FlowView{{Party: alice, Bytes: g / 4, Capacity: g}}, Out: []api.FlowView{{Party: carol, Bytes: 5, Capacity: 5, Frozen: true}}}
	mine := api.StandingSide{Known: true, AsOf: now, Step: "slowed", Since: now - day, Breach: now - 4*day, Next: "frozen", NextAt: now + 3*day, Short: g / 8, GoodwillPPM: 1_500_000,
		Service: 100 * day, Told: "slowed", ToldAt: now - day, Pinned: true, Word: true, Sentence: "bob has 128 MiB more here than it has credit for"}
	standing := api.StandingView{Party: bob, AsOf: now, Mine: mine, Theirs: api.StandingSide{}}
	friend := api.Friend{Peer: bob.Peer, Name: evilName, Sponsored: true, Distance: 1, CreditFrom: serve.Funding, Standing: mine}
	return map[string]any{
		"GET /v1/credit": api.CreditOverview{AsOf: now, Order: api.OrderView{Number: 3, Expires: now + 30*day, Declined: []api.Party{carol}}, Mine: []api.CreditAt{at, {Party: carol}}, In: []api.PointerView{pointer, share},
			Out: []api.PointerView{bare}, Repay: repay, WorksFor: work},
		"POST /v1/credit/to":           preview(true),
		"POST /v1/credit/revoke":       preview(false),
		"POST /v1/credit/decline":      preview(true),
		"POST /v1/credit/repay":        api.RepayResult{Sentence: "alice repays 75 % of your debts", Repay: repay, Own: 249_999, Signed: true, Number: 2, Expires: now + day},
		"POST /v1/credit/work-for":     api.WorkResult{Sentence: "you work for bob", WorksFor: work, Number: 1, Expires: now + day},
		"GET /v1/friends/bob/why":      api.WhyView{Party: bob, AsOf: now, Sentence: "you serve bob because it holds 6 GiB for you", Serve: serve, Served: at, More: []string{"bob can add nothing here: all the credit that it has here is used; it could hold 128 MiB more for you"}},
		"GET /v1/friends/bob/standing": standing,
		"POST /v1/friends/bob/pardon":  standing,
		"GET /v1/household":            api.HouseholdView{Label: "home", Number: 4, Members: []api.HouseholdMember{{Party: bob, Mutual: true}, {Party: carol}}, Named: []api.HouseholdClaim{{Party: carol, Label: "flat"}}},
		"GET /v1/disputes":             []api.DisputeView{},
		"GET /v1/who":                  api.Who{AsOf: now, Me: api.Status{Peer: bob.Peer, Name: "bob"}, Rows: []api.WhoRow{{Friend: friend, Reason: "why not"}}},
	}
}
