package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"potluck"
	"potluck/testnet"
)

// rentFigure is one figure that the story looked at, as it must be.
type rentFigure struct {
	At    string       `json:"at"` // the node that said it
	What  string       `json:"what"`
	Bytes potluck.Size `json:"bytes"`
}

// figure is one figure of a node, and what it must be.
type figure struct {
	at        *testnet.Process
	what      string
	got, want potluck.Size
}

// settle bounds how long a figure may take to become what it must be.
const settleTime = 20 * time.Second

// differs ends the story: something isn't as it must be.
func (r *rent) differs(format string, args ...any) error {
	return &exitErr{exitDamage, fmt.Errorf(format, args...)}
}

// want notes a figure, or ends the story when it is another.
func (r *rent) want(at *testnet.Process, what string, got, want potluck.Size) error {
	if got != want {
		return r.differs("%s says: %s: %d; it must be %d", at.Name, what, got, want)
	}
	r.report.Figures = append(r.report.Figures, rentFigure{at.Name, what, got})
	return nil
}

// all0 looks at several figures of an answer, unless there was none.
func (r *rent) figuresOf(err error, figures ...figure) error {
	for _, f := range figures {
		if err == nil {
			err = r.want(f.at, f.what, f.got, f.want)
		}
	}
	return err
}

// await asks until a figure is what it must be.
func (r *rent) await(ctx context.Context, f figure, ask func(context.Context) (potluck.Size, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("%v have passed", settleTime))
	defer cancel()
	err := testnet.Poll(ctx, func() (bool, error) {
		got, err := ask(ctx)
		if err == nil {
			f.got = got
		}
		return got == f.want, err
	})
	if err != nil && f.got != f.want {
		return r.differs("%s says: %s: %d; it must become %d: %w", f.at.Name, f.what, f.got, f.want, err)
	}
	return r.figuresOf(err, f)
}

// check proves all books, and what they say of each other.
func (r *rent) check(ctx context.Context) (err error) {
	r.report.Nodes, err = r.checkAll(ctx)
	if err == nil {
		r.say("ledger check: every counter is the sum of its rows, every store has what its books say, every two books agree, and no more is used than is owed or short, at all %d nodes", len(r.all()))
	}
	return err
}

func (r *rent) finish() error {
	r.report.OK, r.report.Seconds = true, time.Since(r.start).Seconds()
	if r.c.JSON {
		return r.c.emit(r.report)
	}
	if err := r.figures().write(r.c.out); err != nil {
		return err
	}
	if err := nodeTable(r.report.Nodes).write(r.c.out); err != nil {
		return err
	}
	if !r.Keep {
		r.c.printf("ok, %d figures, in %.1f s", len(r.report.Figures), r.report.Seconds)
	}
	return nil
}

// figures is the story in one table.
func (r *rent) figures() *table {
	t := newTable("what server4 counts", ">bytes", ">")
	for _, row := range []struct {
		what  string
		bytes potluck.Size
	}{
		{"held by server2 for client3", r.report.Held},
		{fmt.Sprintf("of that owed to server2, %g", rentRatio/1e6), r.report.Allowed},
		{"used of it by client1", r.report.Used},
		{"owed to server2 after it dropped client3's data", r.report.Left},
		{"short on client1's account", r.report.Short},
	} {
		t.add(row.what, int64(row.bytes), row.bytes)
	}
	return t
}

// howToLook says what to do with a net that is left running.
func (r *rent) howToLook() error {
	if r.c.JSON {
		return nil
	}
	program := r.program()
	var pids []string
	r.c.printf("the net is left running; look at it with, for example:")
	for _, look := range []struct {
		at   *testnet.Process
		verb string
	}{{r.client1, "standing server4"}, {r.server2, "credit"}, {r.client3, "log"}, {r.server4, "why client1"}} {
		r.c.printf("  %s --data %s %s", program, look.at.Dir, look.verb)
		pids = append(pids, fmt.Sprint(look.at.Pid()))
	}
	r.c.printf("end it with: kill %s; then remove %s", strings.Join(pids, " "), r.dir)
	r.c.printf("ok, %d figures, in %.1f s", len(r.report.Figures), r.report.Seconds)
	return nil
}

// program is how to call this program again.
func (s *stage) program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/potluck" // what go built for this run is gone after it
	}
	return os.Args[0]
}

// checkAll proves the books of all nodes, and tells of each.
func (s *stage) checkAll(ctx context.Context) (nodes []demoNode, err error) {
	all := s.net.All()
	for _, p := range all {
		r, err := p.API().Check(ctx)
		if err != nil {
			return nodes, fmt.Errorf("ledger check at %s: %w", p.Name, err)
		}
		st, err := p.API().Status(ctx)
		if err != nil {
			return nodes, fmt.Errorf("status of %s: %w", p.Name, err)
		}
		u, err := p.Usage()
		if err != nil {
			s.c.remark("%v", err) // not on every system
		}
		nodes = append(nodes, demoNode{Name: p.Name, Data: p.Dir, Pid: p.Pid(), Holds: st.Held,
			HeldForMe: st.HeldForMe, Shares: r.Store.Shares, Leases: r.Books.Leases, Resident: u.Resident, Clean: r.Clean})
	}
	if err := testnet.Check(ctx, all...); err != nil {
		return nodes, &exitErr{exitDamage, err}
	}
	return nodes, nil
}

func nodeTable(nodes []demoNode) *table {
	t := newTable("node", ">holds for friends", ">friends hold for it", ">shares in store", ">leases in books", ">memory", "books")
	for _, n := range nodes {
		t.add(n.Name, n.Holds, n.HeldForMe, n.Shares, n.Leases, n.Resident, pick(n.Clean, "clean", "NOT CLEAN"))
	}
	return t
}
