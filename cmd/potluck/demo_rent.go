package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"time"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/ledger"
	"potluck/shares"
	"potluck/testnet"
)

// rent is the case that everything about credit must answer (CREDIT.md section
// 11), on four nodes that share no key and trust no book but their own.
type rent struct {
	*stage
	client1, server2, client3, server4 *testnet.Process

	theirs  rentFile   // of client3, at server2
	own     rentFile   // of server4, at server2
	rented  []rentFile // of client1, at server4
	allowed potluck.Size
	used    potluck.Size

	report rentReport
}

// rentFile is one file in one share at one host.
type rentFile struct {
	name   string
	path   string
	size   potluck.Size
	charge potluck.Size
	cap    string
}

// rentReport is the JSON of "demo --story rent-a-friend".
type rentReport struct {
	OK       bool         `json:"ok"`
	Story    string       `json:"story"`
	Dir      string       `json:"dir"`
	Held     potluck.Size `json:"held"`      // what server2 holds for client3, charged
	RatioPPM int64        `json:"ratio_ppm"` // of server4 for server2
	Allowed  potluck.Size `json:"allowed"`   // what client1 may have at server4 by it
	Used     potluck.Size `json:"used"`      // what it has there
	Left     potluck.Size `json:"left"`      // what is allowed after server2 dropped client3's data
	Short    potluck.Size `json:"short"`     // what client1 has beyond that
	Figures  []rentFigure `json:"figures"`   // all that was looked at, in order
	Nodes    []demoNode   `json:"nodes"`
	Seconds  float64      `json:"seconds"`
}

const (
	rentHeld  = 6 * potluck.MiB // of client3's file, before charges
	rentOwn   = 1 * potluck.MiB // of server4's file
	rentRatio = 750_000         // server4 repays three quarters
	rentTime  = 55 * time.Second
)

// prepare makes the files. Those of client1 are as long as what server4 is going
// to owe server2, to the byte.
func (r *rent) prepare(context.Context) (potluck.Size, error) {
	var err error
	if r.theirs, err = r.file("theirs", rentHeld); err != nil {
		return 0, err
	}
	if r.own, err = r.file("own", rentOwn); err != nil {
		return 0, err
	}
	r.allowed = r.theirs.charge * rentRatio / 1_000_000
	r.report.Held, r.report.RatioPPM, r.report.Allowed = r.theirs.charge, rentRatio, r.allowed
	return 1 * potluck.GiB, nil
}

// file makes a file of so many bytes.
func (r *rent) file(name string, size potluck.Size) (rentFile, error) {
	f := rentFile{name: name, path: filepath.Join(r.dir, name), size: size, charge: chargeOf(size)}
	return f, generate(f.path, size)
}

// chargeOf is what the one share of a file is charged.
func chargeOf(size potluck.Size) potluck.Size {
	layout, err := shares.NewLayout(1, 1, size)
	if err != nil {
		return 0
	}
	return shares.Charge(layout)
}

// sizeOf is the length of a file whose one share is charged so much; ok is false
// when none is.
func sizeOf(charge potluck.Size) (size potluck.Size, ok bool) {
	size = potluck.Size(sort.Search(int(charge), func(n int) bool { return chargeOf(potluck.Size(n)) >= charge }))
	return size, chargeOf(size) == charge
}

// halve cuts what is allowed in two files that are charged so much together, and
// finds one in place of the second that is charged a byte more.
func halve(allowed potluck.Size) (first, second, more potluck.Size, err error) {
	for first = allowed / 2; first > allowed/4; first-- {
		left := allowed - chargeOf(first)
		second, ok := sizeOf(left)
		more, also := sizeOf(left + 1)
		if ok && also {
			return first, second, more, nil
		}
	}
	return 0, 0, 0, fmt.Errorf("no two files are charged %d bytes together", allowed)
}

// tell plays all acts.
func (r *rent) tell(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, rentTime, fmt.Errorf("the story took more than %v", rentTime))
	defer cancel()
	for _, act := range []func(context.Context) error{
		r.startNodes, r.befriend, r.hold, r.repay, r.state, r.point, r.reach, r.use, r.overdraw, r.fill,
		r.explain, r.everybody, r.second, r.drop, r.fall, r.remind, r.readOn, r.check,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return r.finish()
}

func (r *rent) all() []*testnet.Process {
	return []*testnet.Process{r.client1, r.server2, r.client3, r.server4}
}

func (r *rent) startNodes(ctx context.Context) (err error) {
	for _, n := range []struct {
		at   **testnet.Process
		name string
		args []string
	}{{&r.client1, "client1", []string{"--offer", "0"}}, {&r.server2, "server2", nil}, {&r.client3, "client3", nil}, {&r.server4, "server4", nil}} {
		if *n.at, err = r.net.Add(ctx, n.name, n.args...); err != nil {
			return err
		}
	}
	r.say("four nodes run in four processes: client1, which offers nothing, server2, client3 and server4; their data is in %s", r.dir)
	return nil
}

// befriend makes the friendships. Nobody has any credit by them but client3 and
// server4 at server2, who are given some there; all else is to be earned.
func (r *rent) befriend(ctx context.Context) error {
	none, room := api.Terms{RatioPPM: 1_000_000}, api.Terms{RatioPPM: 1_000_000, Opening: 16 * potluck.MiB}
	for _, f := range []struct {
		a, b  *testnet.Process
		gives api.Terms // a to b
		gets  api.Terms // b to a
	}{
		{r.server2, r.client1, none, none},
		{r.server2, r.client3, room, none},
		{r.server4, r.client3, none, none},
		{r.server4, r.server2, api.Terms{RatioPPM: rentRatio}, room},
	} {
		if err := testnet.Grant(ctx, f.a, f.b, f.gives, f.gets); err != nil {
			return err
		}
	}
	r.say("four invites were made and accepted: client1–server2, server2–client3, client3–server4, server2–server4; client1 and server4 don't know each other")
	for _, p := range []struct{ at, of *testnet.Process }{{r.server4, r.server2}, {r.server2, r.client1}, {r.server4, r.client3}} {
		w, err := p.at.API().Why(ctx, p.of.Name)
		if err := r.figuresOf(err, figure{p.at, "supply of " + p.of.Name, w.Serve.Supply, 0}, figure{p.at, "free for " + p.of.Name, w.Serve.Free, 0}); err != nil {
			return err
		}
	}
	return nil
}

// put puts a file in one share at one host.
func (r *rent) put(ctx context.Context, by, at *testnet.Process, f *rentFile) (files.PutResult, error) {
	result, err := by.API().Put(ctx, api.PutRequest{Path: f.path, K: 1, N: 1, Happy: 1, Hosts: []string{at.Peer().String()}}, nil, nil)
	if err != nil {
		return result, fmt.Errorf("%s puts %s at %s: %w", by.Name, f.name, at.Name, err)
	}
	f.cap = result.Cap
	return result, r.want(by, "charge of "+f.name, result.Placed[0].Charge, f.charge)
}

// hold: server2 holds a file for client3, by both books.
func (r *rent) hold(ctx context.Context) error {
	if _, err := r.put(ctx, r.client3, r.server2, &r.theirs); err != nil {
		return err
	}
	here, err := r.client3.API().Shares(ctx, "server2")
	if err := r.figuresOf(err, figure{r.client3, "held by server2", here.Sums.HoldForMe.Bytes, r.theirs.charge}); err != nil {
		return err
	}
	there, err := r.server2.API().Shares(ctx, "client3")
	if err := r.figuresOf(err, figure{r.server2, "held for client3", there.Sums.IHold.Bytes, r.theirs.charge}); err != nil {
		return err
	}
	w, err := r.client3.API().Why(ctx, "server2")
	if err := r.figuresOf(err, figure{r.client3, "supply of server2", w.Serve.Supply, r.theirs.charge}); err != nil {
		return err
	}
	r.say("client3 keeps a file at server2: %d bytes are charged in both books, and client3 owes server2 as many", r.theirs.charge)
	return nil
}

// repay: server4 works for client3, and client3 has it repay all of its debts.
func (r *rent) repay(ctx context.Context) error {
	_, err := r.client3.API().RepayVia(ctx, api.RepayViaRequest{Node: "server4"})
	if err == nil {
		return r.differs("client3's repay order without server4's consent was signed")
	}
	w, err := r.server4.API().WorkFor(ctx, api.WorkForRequest{Peer: "client3"})
	if err := r.figuresOf(err, figure{r.server4, "principals it works for", potluck.Size(len(w.WorksFor)), 1}); err != nil {
		return err
	}
	p, err := r.client3.API().RepayVia(ctx, api.RepayViaRequest{Node: "server4"})
	if err := r.figuresOf(err, figure{r.client3, "millionths that it repays itself", potluck.Size(p.Own), 0}); err != nil {
		return err
	}
	y, err := r.client3.API().Why(ctx, "server2")
	if err := r.figuresOf(err, figure{r.client3, "supply of server2", y.Serve.Supply, 0}); err != nil {
		return err
	}
	r.say("server4 says that it works for client3, and client3 signs a repay order: server4 owes now what client3 owed")
	return nil
}

// state: server2 and client3 both sign what is held, and server4 counts it.
func (r *rent) state(ctx context.Context) error {
	var w api.WhyView
	err := r.await(ctx, figure{r.server4, "earned by server2 for client3", 0, r.theirs.charge}, func(ctx context.Context) (_ potluck.Size, err error) {
		w, err = r.server4.API().Why(ctx, "server2")
		return earnedFor(w.Serve, r.client3), err
	})
	if err := r.figuresOf(err, figure{r.server4, "supply of server2", w.Serve.Supply, r.allowed}, figure{r.server4, "free for server2", w.Serve.Free, r.allowed}); err != nil {
		return err
	}
	for _, p := range []*testnet.Process{r.server2, r.client3, r.server4} {
		var stated potluck.Size
		err := p.API().Log(ctx, api.LogRequest{}, func(e api.Event) error {
			if e.Kind == ledger.KindStatement {
				stated = e.Bytes
			}
			return nil
		})
		if err := r.figuresOf(err, figure{p, "stated by server2 and client3", stated, r.theirs.charge}); err != nil {
			return err
		}
	}
	r.say("server2 and client3 signed the same statement; server4 counts it, and owes server2 %g of it: %d bytes", rentRatio/1e6, r.allowed)
	return nil
}

func earnedFor(s api.ServeView, principal *testnet.Process) (sum potluck.Size) {
	for _, e := range s.EarnedFor {
		if e.Peer == principal.Peer() {
			sum += e.Bytes
		}
	}
	return sum
}
