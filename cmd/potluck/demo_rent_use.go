package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/testnet"
)

// point: server2 points what server4 owes it to client1, once it has seen what
// that changes.
func (r *rent) point(ctx context.Context) error {
	ask := api.CreditToRequest{To: "client1", Host: "server4", DryRun: true}
	plan, err := r.server2.API().CreditTo(ctx, ask)
	if err := r.figuresOf(err, figure{r.server2, "client1's credit at server4 in the preview", lineOf(plan, r.client1).After, r.allowed},
		figure{r.server2, "pointers signed by a dry run", pick[potluck.Size](plan.Signed, 1, 0), 0}); err != nil {
		return err
	}
	ask.DryRun = false
	done, err := r.server2.API().CreditTo(ctx, ask)
	if err := r.figuresOf(err, figure{r.server2, "number of its order", potluck.Size(done.Number), 1},
		figure{r.server2, "client1's credit at server4 before it", lineOf(done, r.client1).Before, 0},
		figure{r.server2, "client1's credit at server4 after it", lineOf(done, r.client1).After, r.allowed}); err != nil {
		return err
	}
	r.say("server2 points its credit at server4 to client1 (potluck credit to client1 --at server4): %s", done.Sentence)
	return nil
}

func lineOf(p api.CreditPreview, of *testnet.Process) (found api.PreviewLine) {
	for _, l := range p.Lines {
		if l.Peer == of.Peer() {
			found = l
		}
	}
	return found
}

// reach: client1 finds server4 by that alone, and is let in.
func (r *rent) reach(ctx context.Context) error {
	var at api.CreditAt
	err := r.await(ctx, figure{r.client1, "free at server4", 0, r.allowed}, func(ctx context.Context) (potluck.Size, error) {
		o, err := r.client1.API().Credit(ctx)
		at = creditAt(o, r.server4)
		return at.Free, err
	})
	if err := r.figuresOf(err, figure{r.client1, "friends among those who owe it at server4", pick[potluck.Size](at.Friend, 1, 0), 0},
		figure{r.client1, "its own credit at server4", at.Supply, 0},
		figure{r.client1, "sponsors at server4", potluck.Size(len(at.Sponsors)), 1}); err != nil {
		return err
	}
	var w api.WhyView
	err = r.await(ctx, figure{r.server4, "free for client1", 0, r.allowed}, func(ctx context.Context) (_ potluck.Size, err error) {
		var said *api.Error
		if w, err = r.server4.API().Why(ctx, "client1"); errors.As(err, &said) && said.Kind == api.KindNotFound {
			return 0, nil // the order came before the name
		}
		return w.Serve.Free, err
	})
	if err := r.figuresOf(err,
		figure{r.server4, "own supply of client1", w.Serve.Supply, 0},
		figure{r.server4, "pointers between a friend and client1", potluck.Size(w.Serve.Distance), 1},
		figure{r.server4, "room of server2's pointer to client1", capacityFrom(w.Serve, r.server2), r.allowed}); err != nil {
		return err
	}
	r.say("client1 met server4 by the pointer: it is no friend there, and may use %d bytes", r.allowed)
	return nil
}

func creditAt(o api.CreditOverview, host *testnet.Process) (found api.CreditAt) {
	for _, c := range o.Mine {
		if c.Peer == host.Peer() {
			found = c
		}
	}
	return found
}

func capacityFrom(s api.ServeView, issuer *testnet.Process) (sum potluck.Size) {
	for _, f := range s.In {
		if f.Peer == issuer.Peer() {
			sum += f.Capacity
		}
	}
	return sum
}

// viaFrom is what of a peer's bytes a sponsor next to it pays for alone.
func viaFrom(s api.ServeView, sponsor *testnet.Process) (sum potluck.Size) {
	for _, f := range s.Funding {
		if len(f.Via) == 1 && f.Via[0].Peer == sponsor.Peer() {
			sum += f.Bytes
		}
	}
	return sum
}

// use: client1 keeps a first file at server4.
func (r *rent) use(ctx context.Context) error {
	first, _, _, err := halve(r.allowed)
	if err != nil {
		return err
	}
	f, err := r.file("rented-1", first)
	if err != nil {
		return err
	}
	if _, err := r.put(ctx, r.client1, r.server4, &f); err != nil {
		return err
	}
	r.rented, r.used = append(r.rented, f), f.charge
	if err := r.funded(ctx); err != nil {
		return err
	}
	r.say("client1 keeps a file at server4: %d bytes, all of them funded via server2; %d are left", r.used, r.allowed-r.used)
	return nil
}

// funded looks at who pays at server4 for what client1 has there.
func (r *rent) funded(ctx context.Context) error {
	w, err := r.server4.API().Why(ctx, "client1")
	if err := r.figuresOf(err, figure{r.server4, "held for client1", w.Serve.Held, r.used}, figure{r.server4, "reserved for client1", w.Serve.Reserved, 0},
		figure{r.server4, "of that funded via server2", viaFrom(w.Serve, r.server2), r.used},
		figure{r.server4, "free for client1", w.Serve.Free, r.allowed - r.used},
		figure{r.server4, "short of client1", w.Serve.Short, 0}); err != nil {
		return err
	}
	w, err = r.server4.API().Why(ctx, "server2")
	return r.figuresOf(err, figure{r.server4, "supply of server2", w.Serve.Supply, r.allowed},
		figure{r.server4, "free for server2", w.Serve.Free, r.allowed - r.used})
}

// overdraw: one byte more than is left is refused, with all figures and a way out.
func (r *rent) overdraw(ctx context.Context) error {
	_, _, more, err := halve(r.allowed)
	if err != nil {
		return err
	}
	f, err := r.file("too-much", more)
	if err != nil {
		return err
	}
	left := r.allowed - r.used
	no, err := r.refused(ctx, &f)
	if err := r.figuresOf(err, figure{r.client1, "asked of server4", no.Asked, left + 1}, figure{r.client1, "free at server4 by its refusal", no.Free, left},
		figure{r.client1, "short at server4 by its refusal", no.Short, 1},
		figure{r.client1, "bytes of a pointer that would cure it", cureOf(no, potluck.CurePointer), 1},
		figure{r.client1, "bytes held that would cure it", cureOf(no, potluck.CureHold), 1}); err != nil {
		return err
	}
	if err := r.funded(ctx); err != nil { // nothing of it is left
		return err
	}
	r.say("a file that is charged one byte more than is left is refused: %s", no.Error())
	return nil
}

// refused puts what must be refused for lack of credit.
func (r *rent) refused(ctx context.Context, f *rentFile) (*potluck.Refusal, error) {
	no := new(potluck.Refusal)
	_, err := r.put(ctx, r.client1, r.server4, f)
	var said *api.Error
	if !errors.As(err, &said) || said.Kind != api.KindRefused {
		return no, r.differs("client1's put of a file that is charged %d bytes, with %d left at server4: %v; it must be refused", f.charge, r.allowed-r.used, err)
	}
	var details struct {
		Reasons []files.HostRefusal `json:"reasons"`
	}
	if err := json.Unmarshal(said.Details, &details); err != nil {
		return no, fmt.Errorf("details of a refusal: %w", err)
	}
	if len(details.Reasons) != 1 || details.Reasons[0].Refusal == nil || details.Reasons[0].Host != r.server4.Peer() {
		return no, r.differs("a put was refused with %s; one refusal by server4 must be in it", said.Details)
	}
	no = details.Reasons[0].Refusal
	if no.Code != potluck.CodeUnfunded {
		return no, r.differs("server4 refused with code %q; it must be %q", no.Code, potluck.CodeUnfunded)
	}
	return no, nil
}

// cureOf gives the bytes of one cure; -1 when it isn't among them.
func cureOf(no *potluck.Refusal, kind potluck.CureKind) potluck.Size {
	for _, c := range no.Cures {
		if c.Kind == kind {
			return c.Bytes
		}
	}
	return -1
}

// fill: what is left is used to the last byte.
func (r *rent) fill(ctx context.Context) error {
	_, second, _, err := halve(r.allowed)
	if err != nil {
		return err
	}
	f, err := r.file("rented-2", second)
	if err != nil {
		return err
	}
	if _, err := r.put(ctx, r.client1, r.server4, &f); err != nil {
		return err
	}
	r.rented, r.used = append(r.rented, f), r.used+f.charge
	r.report.Used = r.used
	if err := r.want(r.client1, "used at server4", r.used, r.allowed); err != nil {
		return err
	}
	if err := r.funded(ctx); err != nil {
		return err
	}
	f, err = r.file("nothing-left", 1000)
	if err != nil {
		return err
	}
	no, err := r.refused(ctx, &f)
	if err := r.figuresOf(err, figure{r.client1, "free at server4 by its refusal", no.Free, 0}, figure{r.client1, "short at server4 by its refusal", no.Short, f.charge}); err != nil {
		return err
	}
	r.say("client1 fills it up: %d of %d bytes are used, and not one more is taken", r.used, r.allowed)
	return nil
}

// explain prints why server4 serves client1, as its operator sees it.
func (r *rent) explain(ctx context.Context) error {
	return r.show(ctx, r.server4, "why client1", &whyCmd{Peer: "client1"})
}

// verb is one verb of the command line.
type verb interface {
	Run(context.Context, *cli) error
}

// show prints what a verb says at a node.
func (s *stage) show(ctx context.Context, at *testnet.Process, text string, v verb) error {
	if s.c.JSON {
		return nil
	}
	s.say("%s asks: potluck %s", at.Name, text)
	if err := v.Run(ctx, &cli{streams: s.c.streams, Data: at.Dir}); err != nil {
		return fmt.Errorf("%s at %s: %w", text, at.Name, err)
	}
	return nil
}

// everybody: all four see their part of it.
func (r *rent) everybody(ctx context.Context) error {
	var seen [4]api.CreditOverview
	for i, p := range r.all() {
		if err := r.show(ctx, p, "credit", &creditShowCmd{}); err != nil {
			return err
		}
		var err error
		if seen[i], err = p.API().Credit(ctx); err != nil {
			return fmt.Errorf("credit at %s: %w", p.Name, err)
		}
	}
	in, out, repay, works := seen[0].In, seen[1].Out, seen[2].Repay, seen[3].WorksFor
	if len(in) != 1 || len(out) != 1 || len(repay) != 1 || len(works) != 1 {
		return r.differs("there are %d pointers to client1, %d of server2, %d allotments of client3 and %d principals of server4; it must be 1 of each",
			len(in), len(out), len(repay), len(works))
	}
	at, sponsor := creditAt(seen[0], r.server4), creditAt(seen[1], r.server4)
	return r.figuresOf(nil, figure{r.client1, "held by server4", at.Held, r.used}, figure{r.client1, "free at server4", at.Free, 0},
		figure{r.client1, "used of server2's pointer", in[0].Used, r.used},
		figure{r.server2, "its credit at server4", sponsor.Supply, r.allowed}, figure{r.server2, "free at server4", sponsor.Free, 0},
		figure{r.server2, "held by server4", sponsor.Held, 0},
		figure{r.client3, "millionths that server4 repays", potluck.Size(repay[0].SharePPM), 1_000_000},
		figure{r.client3, "consents of server4", pick[potluck.Size](repay[0].Consent, 1, 0), 1},
		figure{r.server4, "held by others for client3", works[0].Bytes, r.theirs.charge})
}
