package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/gateway/api"
)

// settleTime is how long nodes that are connected may take to exchange what they
// sign, and lookTime what it takes to look at one of them, at far ends of slow lines.
const (
	settleTime = 15 * time.Second
	lookTime   = 2 * time.Second
)

// checkCredit holds a net against the invariants of credit (CREDIT.md section
// 10), by what the nodes say: no node funds more than it owes, no pointer carries
// more than it may, nobody is owed for what it doesn't hold, and for every two
// that are connected, both tell the same of each other and keep the same
// statements. Figures that are still on their way get some time to arrive.
func checkCredit[N Node](ctx context.Context, nodes []N) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime+time.Duration(len(nodes))*lookTime)
	defer cancel()
	var wrong error
	// Every look asks the nodes about each other, which they don't answer at will.
	err := poll(ctx, 2*time.Second, func() (bool, error) {
		found := lookAtCredit(ctx, nodes)
		if ctx.Err() != nil && wrong != nil {
			return true, nil // what was wrong before the time was up
		}
		wrong = found
		return wrong == nil, nil
	})
	if wrong != nil {
		return wrong
	}
	return err
}

func lookAtCredit[N Node](ctx context.Context, nodes []N) error {
	known := make(map[peer.ID]Node, len(nodes))
	for _, n := range nodes {
		known[n.Peer()] = n
	}
	var wrong []error
	for _, n := range nodes {
		l := ledgerOf{at: n, known: known, funded: new(big.Int), owed: new(big.Int)}
		wrong = append(wrong, l.look(ctx))
	}
	return errors.Join(wrong...)
}

// ledgerOf is one node's credit while it is looked at.
type ledgerOf struct {
	at           Node
	known        map[peer.ID]Node // whose books are to be believed
	funded, owed *big.Int         // sums over all accounts
}

func (l *ledgerOf) wrong(format string, args ...any) error {
	return fmt.Errorf("credit at "+l.at.Label()+": "+format, args...)
}

func (l *ledgerOf) look(ctx context.Context) error {
	friends, err := l.at.API().Friends(ctx)
	if err != nil {
		return fmt.Errorf("accounts of %s: %w", l.at.Label(), err)
	}
	var wrong []error
	for _, f := range friends {
		if f.Peer == l.at.Peer() {
			return l.wrong("it has an account for itself")
		}
		w, err := l.at.API().Why(ctx, f.Peer.String())
		if err != nil {
			return fmt.Errorf("why of %s at %s: %w", f.Name, l.at.Label(), err)
		}
		wrong = append(wrong, l.counters(f, w.Serve), l.account(f.Name, w.Serve), l.truth(ctx, f, w.Serve))
		if other, ok := l.known[f.Peer]; ok && f.Connected {
			wrong = append(wrong, l.mirror(ctx, other, f, w.Serve), l.stated(ctx, other))
		}
	}
	if l.funded.Cmp(l.owed) > 0 { // invariants 1 and 9
		wrong = append(wrong, l.wrong("%v bytes are funded, all supplies are %v", l.funded, l.owed))
	}
	return errors.Join(wrong...)
}

// counters holds what credit is decided by against the counters of the books,
// which are the sums of the rows (invariant 4).
func (l *ledgerOf) counters(f api.Friend, s api.ServeView) error {
	if s.Held != f.IHold.Bytes || s.Reserved != f.IHold.Reserved {
		return l.wrong("%s has %d and reserves %d by its credit, %d and %d by the books", f.Name, s.Held, s.Reserved, f.IHold.Bytes, f.IHold.Reserved)
	}
	for _, e := range s.EarnedFor {
		if e.Peer == l.at.Peer() && e.Bytes > f.HoldsForMe.Bytes {
			return l.wrong("%s earned %d, and holds %d by the books", f.Name, e.Bytes, f.HoldsForMe.Bytes)
		}
	}
	return nil
}

// account looks at the figures of one account alone: its supply is the sum of its
// parts, what is funded comes by own supply or by pointers, and no pointer carries
// more than it may (invariant 2).
func (l *ledgerOf) account(name string, s api.ServeView) error {
	supply := supplyOf(s)
	funded := new(big.Int).Sub(sum(s.Held, s.Reserved, s.Loans), big.NewInt(int64(s.Short)))
	l.funded.Add(l.funded, funded)
	l.owed.Add(l.owed, supply)
	var wrong []error
	if supply.IsInt64() && supply.Int64() != int64(s.Supply) {
		wrong = append(wrong, l.wrong("the supply of %s is %d, its parts are %v", name, s.Supply, supply))
	}
	earned, by := sum(), sum()
	for _, e := range s.EarnedFor {
		earned.Add(earned, big.NewInt(int64(e.Bytes)))
	}
	for _, f := range s.Funding {
		by.Add(by, big.NewInt(int64(f.Bytes)))
	}
	if earned.Cmp(sum(s.Earned)) != 0 {
		wrong = append(wrong, l.wrong("%s earned %d, for all principals %v", name, s.Earned, earned))
	}
	if by.Cmp(funded) != 0 {
		wrong = append(wrong, l.wrong("%v of what %s has is funded, its funding is %v: %+v", funded, name, by, s.Funding))
	}
	in, out := sum(), sum()
	for _, f := range s.In {
		in.Add(in, big.NewInt(int64(f.Bytes)))
		wrong = append(wrong, l.flow(f, name))
	}
	for _, f := range s.Out {
		out.Add(out, big.NewInt(int64(f.Bytes)))
		wrong = append(wrong, l.flow(f, name))
	}
	// What flows out and what the account has itself can't be more than what it
	// is owed and what flows in.
	if new(big.Int).Add(funded, out).Cmp(new(big.Int).Add(supply, in)) > 0 {
		wrong = append(wrong, l.wrong("%s has %v and hands %v on, but is owed %v and gets %v", name, funded, out, supply, in))
	}
	return errors.Join(wrong...)
}

func (l *ledgerOf) flow(f api.FlowView, name string) error {
	if f.Bytes < 0 || f.Bytes > f.Capacity {
		return l.wrong("a pointer between %s and %s carries %d, it may carry %d", name, f.Name, f.Bytes, f.Capacity)
	}
	return nil
}

// supplyOf adds the parts of a supply (CREDIT.md section 3).
func supplyOf(s api.ServeView) *big.Int {
	earned := new(big.Int).Mul(big.NewInt(int64(s.Earned)), big.NewInt(s.RatioPPM))
	earned.Div(earned, big.NewInt(1_000_000))
	return earned.Add(earned, sum(s.Gift, s.Opening, s.Paid))
}

func sum(all ...potluck.Size) *big.Int {
	total := new(big.Int)
	for _, s := range all {
		total.Add(total, big.NewInt(int64(s)))
	}
	return total
}

// truth holds what counts as earned here against the books of who earned it: an
// honest node owes for nothing that isn't held. With the sums above, what it
// holds for others is at most what they hold for those it repays, and what it
// gives freely (invariant 10). What an unknown peer earned is what is exposed
// until it is looked for.
func (l *ledgerOf) truth(ctx context.Context, f api.Friend, s api.ServeView) error {
	earner, ok := l.known[f.Peer]
	if !ok {
		return nil
	}
	var wrong []error
	for _, e := range s.EarnedFor {
		rows, err := earner.API().Shares(ctx, e.Peer.String())
		if err != nil {
			return fmt.Errorf("shares of %s for %s: %w", earner.Label(), e.Name, err)
		}
		if e.Bytes > rows.Sums.IHold.Bytes {
			wrong = append(wrong, l.wrong("%s earned %d for %s, but holds %d for it", f.Name, e.Bytes, e.Name, rows.Sums.IHold.Bytes))
		}
	}
	return errors.Join(wrong...)
}

// mirror holds what this node says of an account against what the other one is
// told about itself.
func (l *ledgerOf) mirror(ctx context.Context, other Node, f api.Friend, here api.ServeView) error {
	w, err := other.API().Why(ctx, l.at.Peer().String())
	var e *api.Error
	if errors.As(err, &e) && e.Kind == api.KindNotFound {
		return nil // it doesn't know this one
	}
	if err != nil {
		return fmt.Errorf("why of %s at %s: %w", l.at.Label(), other.Label(), err)
	}
	there := w.Served
	if !there.Known || !there.Connected {
		return l.wrong("%s is connected, and doesn't know how it stands", other.Label())
	}
	type words struct {
		Earned, Held, Reserved, Loans, Supply, Free, Short potluck.Size
		Step                                               string
	}
	mine := words{here.Earned, here.Held, here.Reserved, here.Loans, here.Supply, here.Free, here.Short, f.Standing.Step}
	told := words{there.Earned, there.Held, there.Reserved, there.Loans, there.Supply, there.Free, there.Short, there.Step}
	if mine != told {
		return l.wrong("%s is %+v, and was told %+v", other.Label(), mine, told)
	}
	return nil
}

// stated compares the statements of what this node holds for another one
// (invariant 8). What the host signed alone counts nothing: it is in its books
// before the owner has seen it.
func (l *ledgerOf) stated(ctx context.Context, other Node) error {
	here, err := sharesOf(ctx, l.at, other)
	if err != nil {
		return err
	}
	there, err := sharesOf(ctx, other, l.at)
	if err != nil {
		return err
	}
	proposed := func(s api.Statement) bool { return s.Signed == "host" }
	mine, theirs := slices.DeleteFunc(here.Stated.IHold, proposed), slices.DeleteFunc(there.Stated.HoldForMe, proposed)
	if !slices.Equal(mine, theirs) {
		return l.wrong("statements of what it holds for %s are %+v, and in the books of that one %+v", other.Label(), mine, theirs)
	}
	return nil
}
