package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"potluck"
	"potluck/gateway/api"
	"potluck/testnet"
)

// second: server2 holds a file of server4's own too. That is owed whatever
// becomes of client3's.
func (r *rent) second(ctx context.Context) error {
	if _, err := r.put(ctx, r.server4, r.server2, &r.own); err != nil {
		return err
	}
	both := (r.theirs.charge + r.own.charge) * rentRatio / 1_000_000
	w, err := r.server4.API().Why(ctx, "server2")
	if err := r.figuresOf(err, figure{r.server4, "earned by server2", w.Serve.Earned, r.theirs.charge + r.own.charge},
		figure{r.server4, "earned by server2 for server4 itself", earnedFor(w.Serve, r.server4), r.own.charge},
		figure{r.server4, "supply of server2", w.Serve.Supply, both}); err != nil {
		return err
	}
	w, err = r.server4.API().Why(ctx, "client1")
	if err := r.figuresOf(err, figure{r.server4, "free for client1", w.Serve.Free, both - r.used}); err != nil {
		return err
	}
	r.say("server4 keeps a file of its own at server2: that is owed too, and client1 could have %d bytes more", both-r.used)
	return nil
}

// drop: server2 deletes all that it holds for client3, who finds out.
func (r *rent) drop(ctx context.Context) error {
	gone, err := r.server2.API().Evict(ctx, "client3", false)
	if err := r.figuresOf(err, figure{r.server2, "dropped of client3", gone.Freed, r.theirs.charge}); err != nil {
		return err
	}
	err = r.await(ctx, figure{r.client3, "held by server2", r.theirs.charge, 0}, func(ctx context.Context) (potluck.Size, error) {
		s, err := r.client3.API().Shares(ctx, "server2")
		return s.Sums.HoldForMe.Bytes, err
	})
	if err != nil {
		return err
	}
	w, err := r.client3.API().Where(ctx, r.theirs.cap)
	if err != nil {
		return fmt.Errorf("client3 looks for its file: %w", err)
	}
	if w.Readable {
		return r.differs("client3's file is readable after server2 dropped it")
	}
	r.say("server2 drops all that it holds for client3, %d bytes; client3 finds that out, and signs a statement of 0 bytes", gone.Freed)
	return nil
}

// fall: server4 owes server2 less, so client1 has more than it may.
func (r *rent) fall(ctx context.Context) error {
	left := r.own.charge * rentRatio / 1_000_000
	r.report.Left, r.report.Short = left, r.used-left
	var w api.WhyView
	err := r.await(ctx, figure{r.server4, "supply of server2", r.allowed, left}, func(ctx context.Context) (_ potluck.Size, err error) {
		w, err = r.server4.API().Why(ctx, "server2")
		return w.Serve.Supply, err
	})
	if err := r.figuresOf(err, figure{r.server4, "earned by server2 for client3", earnedFor(w.Serve, r.client3), 0},
		figure{r.server4, "earned by server2 for server4 itself", earnedFor(w.Serve, r.server4), r.own.charge},
		figure{r.server4, "short of server2", w.Serve.Short, 0}); err != nil {
		return err
	}
	w, err = r.server4.API().Why(ctx, "client1")
	if err := r.figuresOf(err, figure{r.server4, "held for client1", w.Serve.Held, r.used},
		figure{r.server4, "of that funded via server2", viaFrom(w.Serve, r.server2), left},
		figure{r.server4, "short of client1", w.Serve.Short, r.used - left}, figure{r.server4, "free for client1", w.Serve.Free, 0}); err != nil {
		return err
	}
	r.say("server4 owes server2 only %d bytes now: %d of the %d that it holds for client1 are short", left, r.used-left, r.used)
	return nil
}

// remind: client1 is told, and sees at its own node where it stands.
func (r *rent) remind(ctx context.Context) error {
	short := r.report.Short
	var s api.StandingView
	err := r.await(ctx, figure{r.server4, "short in what client1 was told", 0, short}, func(ctx context.Context) (_ potluck.Size, err error) {
		s, err = r.server4.API().Standing(ctx, "client1")
		if s.Mine.Told != "reminded" {
			return 0, err
		}
		return s.Mine.Short, err
	})
	if err != nil {
		return err
	}
	const threeDays = 3 * 24 * 60 * 60
	if s.Mine.Step != "reminded" || s.Mine.Next != "slowed" || s.Mine.NextAt-s.Mine.Breach != threeDays {
		return r.differs("client1 is %s at server4, next %s after %d s; it must be reminded, next slowed after %d s",
			s.Mine.Step, s.Mine.Next, s.Mine.NextAt-s.Mine.Breach, threeDays)
	}
	mine, err := r.client1.API().Standing(ctx, "server4")
	if err := r.figuresOf(err, figure{r.client1, "short at server4", mine.Theirs.Short, short}); err != nil {
		return err
	}
	if t := mine.Theirs; t.Step != "reminded" || t.Next != "slowed" || t.NextAt != s.Mine.NextAt {
		return r.differs("client1 sees that it is %s at server4, next %s at %d; it must be reminded, next slowed at %d", t.Step, t.Next, t.NextAt, s.Mine.NextAt)
	}
	if err := r.noticed(ctx, short); err != nil {
		return err
	}
	w, err := r.client1.API().Why(ctx, "server4")
	if err := r.figuresOf(err, figure{r.client1, "short at server4 by why", w.Served.Short, short}, figure{r.client1, "free at server4 by why", w.Served.Free, 0}); err != nil {
		return err
	}
	if err := r.show(ctx, r.client1, "standing server4", &standingCmd{Peer: "server4"}); err != nil {
		return err
	}
	r.say("client1 was reminded, with the figures; it is slowed in three days unless that is cured")
	return r.show(ctx, r.server4, "why client1", &whyCmd{Peer: "client1"})
}

// noticed: the notice is in client1's own events.
func (r *rent) noticed(ctx context.Context, short potluck.Size) error {
	var told potluck.Size
	err := r.client1.API().Log(ctx, api.LogRequest{}, func(e api.Event) error {
		if e.Kind == "notice" && e.Peer == r.server4.Peer() {
			told = e.Bytes
		}
		return nil
	})
	return r.figuresOf(err, figure{r.client1, "short in server4's notice", told, short})
}

// readOn: what is held is served as before, and nothing new is taken.
func (r *rent) readOn(ctx context.Context) error {
	for _, f := range r.rented {
		if err := r.read(ctx, r.client1, f); err != nil {
			return err
		}
	}
	if err := r.read(ctx, r.server4, r.own); err != nil {
		return err
	}
	f, err := r.file("after-all", 2000)
	if err != nil {
		return err
	}
	no, err := r.refused(ctx, &f)
	if err := r.figuresOf(err, figure{r.client1, "free at server4 by its refusal", no.Free, 0},
		figure{r.client1, "bytes of a pointer that would cure it", cureOf(no, potluck.CurePointer), r.report.Short + f.charge}); err != nil {
		return err
	}
	r.say("client1 reads back both of its files from server4, bit for bit; a new one is refused: %s", no.Error())
	return nil
}

// read gets a file, and compares it with what was put.
func (r *rent) read(ctx context.Context, by *testnet.Process, f rentFile) error {
	out := filepath.Join(r.dir, "got")
	if _, err := by.API().Get(ctx, api.GetRequest{Cap: f.cap, Path: out}, nil, nil); err != nil {
		return fmt.Errorf("%s gets %s: %w", by.Name, f.name, err)
	}
	got, size, err := sha256File(out)
	want, _, other := sha256File(f.path)
	if err := errors.Join(err, other, os.Remove(out)); err != nil {
		return err
	}
	if got != want {
		return r.differs("%s got %d bytes with sha256 %s of %s; %d bytes with %s were put", by.Name, size, got, f.name, f.size, want)
	}
	return nil
}
