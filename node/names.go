package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
)

// NotFoundError says that there is no such thing here.
type NotFoundError struct{ What string }

// Error names what isn't there.
func (e *NotFoundError) Error() string { return "there is no " + e.What + " here" }

func usagef(format string, args ...any) error {
	return &files.UsageError{Text: fmt.Sprintf(format, args...)}
}

// Resolve finds the one account that a text means: its petname, its peer ID, or
// a beginning of either that no other account has. Errors: *NotFoundError,
// *files.UsageError with the candidates, or when it means this node itself.
func (n *Node) Resolve(ctx context.Context, text string) (ledger.Account, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return ledger.Account{}, n.checked(err)
	}
	a, err := resolve(accounts, text)
	var missing *NotFoundError
	if errors.As(err, &missing) && (text == n.self.String() || text == n.wish().Name) {
		return a, usagef("%q is this node itself; name another one", text)
	}
	return a, err
}

func resolve(accounts []ledger.Account, text string) (ledger.Account, error) {
	if text == "" {
		return ledger.Account{}, usagef("name a friend")
	}
	rules := []func(ledger.Account) bool{
		func(a ledger.Account) bool { return a.Peer.String() == text },
		func(a ledger.Account) bool { return a.Name == text },
		func(a ledger.Account) bool {
			return strings.HasPrefix(a.Name, text) || strings.HasPrefix(a.Peer.String(), text)
		},
	}
	for _, means := range rules {
		var found []ledger.Account
		for _, a := range accounts {
			if means(a) {
				found = append(found, a)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return ledger.Account{}, usagef("%q may mean %s; write more of it", text, candidates(found))
		}
	}
	return ledger.Account{}, &NotFoundError{What: fmt.Sprintf("friend %q", text)}
}

// called names an account as a view does.
func called(a ledger.Account) string {
	return namesOf([]ledger.Account{a}, "").party(a.Peer).Name
}

// candidates names accounts so that they can be told apart.
func candidates(found []ledger.Account) string {
	const most = 5
	var names []string
	for i, a := range found {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(found)-most))
			break
		}
		names = append(names, fmt.Sprintf("%s (%s)", a.Name, a.Peer))
	}
	return strings.Join(names, " or ")
}

// newName tells whether a petname can be given to p, who is nobody yet if empty.
func (n *Node) newName(ctx context.Context, name string, p peer.ID) error {
	if err := p2p.CheckName(name); err != nil {
		return &files.UsageError{Text: err.Error()}
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return n.checked(err)
	}
	if name != "" && taken(accounts, name, p) {
		return usagef("the name %q is another friend's already; choose another one", name)
	}
	return nil
}

func taken(accounts []ledger.Account, name string, p peer.ID) bool {
	return slices.ContainsFunc(accounts, func(a ledger.Account) bool { return a.Name == name && a.Peer != p })
}

// freeName gives a petname for p like the wanted one that nobody else has. A
// peer that has a petname keeps it.
func (n *Node) freeName(ctx context.Context, wanted string, p peer.ID) (string, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return "", err
	}
	for _, a := range accounts {
		if a.Peer == p && a.Name != "" {
			return a.Name, nil
		}
	}
	if wanted == "" {
		wanted = "friend"
	}
	name := wanted
	for i := 2; taken(accounts, name, p); i++ {
		end := fmt.Sprintf("-%d", i)
		runes := []rune(wanted)
		name = string(runes[:min(len(runes), p2p.MaxNameRunes-len(end))]) + end
	}
	return name, nil
}
