package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
)

const (
	defaultInvite = 7 * 24 * time.Hour
	maxInvite     = 365 * 24 * time.Hour
)

// Invite makes an invite: one friend may come by it, once, until it expires.
func (n *Node) Invite(ctx context.Context, r InviteRequest) (Invite, error) {
	lasts := defaultInvite
	if err := n.writable(); err != nil {
		return Invite{}, err
	}
	if r.ExpiresSeconds != 0 {
		lasts = time.Duration(r.ExpiresSeconds) * time.Second
	}
	if r.ExpiresSeconds < 0 || r.ExpiresSeconds > int64(maxInvite/time.Second) {
		return Invite{}, usagef("an invite lasts for 1 to %d seconds, not %d", maxInvite/time.Second, r.ExpiresSeconds)
	}
	if err := n.newName(ctx, r.Name, ""); err != nil {
		return Invite{}, err
	}
	terms := termsOr(r.Terms)
	if err := checkTerms(terms); err != nil {
		return Invite{}, err
	}
	now := n.config.Clock()
	link := p2p.Invite{Peer: n.self, Addrs: n.sayAddrs(), Expires: now.Add(lasts).Unix(), Name: n.wish().Name, Terms: p2p.Terms(terms)}
	if _, err := rand.Read(link.Secret[:]); err != nil {
		return Invite{}, fmt.Errorf("make an invite: %w", err)
	}
	row := ledger.Invite{ID: link.ID(), Secret: ledger.InviteSecret(link.Secret), Name: r.Name, Terms: terms,
		Created: now.Unix(), Expires: link.Expires, State: ledger.InviteLive}
	if err := n.book.AddInvite(ctx, row); err != nil {
		return Invite{}, n.checked(err)
	}
	if err := n.regate(ctx); err != nil {
		return Invite{}, err
	}
	view := n.invite(row)
	view.Link = link.Text()
	return view, nil
}

func termsOr(t *ledger.Terms) ledger.Terms {
	if t == nil {
		return ledger.DefaultTerms()
	}
	return *t
}

// sayAddrs are the addresses that are told to friends, loopback ones last.
func (n *Node) sayAddrs() []string {
	var near, far []string
	for _, a := range n.host.Addrs() {
		a, _, _ = strings.Cut(a, "/p2p/")
		if strings.HasPrefix(a, "/ip4/127.") || strings.HasPrefix(a, "/ip6/::1/") {
			near = append(near, a)
		} else {
			far = append(far, a)
		}
	}
	all := append(far, near...)
	return all[:min(len(all), p2p.MaxAddrs)]
}

func (n *Node) invite(i ledger.Invite) Invite {
	v := Invite{ID: hex.EncodeToString(i.ID[:]), Name: i.Name, Terms: i.Terms, Created: i.Created, Expires: i.Expires, UsedBy: i.UsedBy}
	switch {
	case i.State == ledger.InviteUsed:
		v.State = "used"
	case i.State == ledger.InviteRevoked:
		v.State = "revoked"
	case i.Expires <= n.config.Clock().Unix():
		v.State = "expired"
	default:
		v.State = "live"
	}
	return v
}

// Invites lists all invites.
func (n *Node) Invites(ctx context.Context) ([]Invite, error) {
	rows, err := n.book.Invites(ctx)
	all := make([]Invite, len(rows))
	for i, row := range rows {
		all[i] = n.invite(row)
	}
	return all, n.checked(err)
}

// Revoke ends a live invite. id is as in Invite.ID, or a unique beginning of it.
func (n *Node) Revoke(ctx context.Context, id string) error {
	rows, err := n.book.Invites(ctx)
	if err != nil {
		return n.checked(err)
	}
	var found []ledger.InviteID
	for _, row := range rows {
		if id != "" && strings.HasPrefix(hex.EncodeToString(row.ID[:]), id) {
			found = append(found, row.ID)
		}
	}
	switch len(found) {
	case 0:
		return &NotFoundError{What: fmt.Sprintf("invite %q", id)}
	case 1:
	default:
		return usagef("%q is the beginning of %d invites; give more of it", id, len(found))
	}
	err = n.book.RevokeInvite(ctx, found[0])
	if errors.Is(err, ledger.ErrInviteUsed) {
		return usagef("invite %x was used already, so there is nothing to revoke; \"potluck friends remove\" ends the friendship", found[0])
	}
	if err != nil {
		return n.checked(err)
	}
	return n.regate(ctx)
}

// Join accepts an invite of another node. It may be repeated: if either side
// dies in the middle, the next Join with the same link completes it.
func (n *Node) Join(ctx context.Context, r JoinRequest) (JoinResult, error) {
	link, err := p2p.ParseInvite(strings.TrimSpace(r.Link))
	if err != nil {
		return JoinResult{}, &files.UsageError{Text: err.Error()}
	}
	if err := n.writable(); err != nil {
		return JoinResult{}, err
	}
	granted := termsOr(r.Terms)
	result := JoinResult{Peer: link.Peer, Name: link.Name, Terms: ledger.Terms(link.Terms), Granted: granted,
		Expires: link.Expires, Addrs: append([]string{}, link.Addrs...), DryRun: r.DryRun}
	if r.Name != "" {
		result.Name = r.Name
	}
	if err := checkTerms(granted); err != nil {
		return result, err
	}
	switch {
	case link.Peer == n.self:
		return result, usagef("this invite is this node's own; give it to a friend")
	case link.Expires <= n.config.Clock().Unix():
		return result, &p2p.Error{Code: p2p.CodeInviteExpired}
	}
	if r.Name != "" {
		err = n.newName(ctx, r.Name, link.Peer)
	} else {
		result.Name, err = n.freeName(ctx, link.Name, link.Peer)
	}
	if err != nil || r.DryRun {
		return result, err
	}
	return n.accept(ctx, link, result)
}

// accept makes the inviter accept this node, and befriends it then.
func (n *Node) accept(ctx context.Context, link p2p.Invite, r JoinResult) (JoinResult, error) {
	leave := n.gate.join(link.Peer)
	defer leave()
	if err := n.host.Connect(ctx, link.Peer, link.Addrs); err != nil {
		return r, noAnswer(r.Name, err)
	}
	// If we die before the inviter has it: nothing happened.
	a, err := n.host.Join(ctx, link.Peer, p2p.JoinRequest{Invite: link.ID(), Proof: link.Proof(n.self), Name: n.wish().Name,
		Terms: p2p.Terms(r.Granted), Addrs: n.sayAddrs()})
	if err != nil {
		return r, noAnswer(r.Name, err)
	}
	// If we die here: the inviter has a friend that doesn't let it in yet. The
	// same Join again is answered the same, and goes on from here.
	r.Terms = ledger.Terms(a.Terms)
	if len(a.Addrs) > 0 {
		r.Addrs = a.Addrs
	}
	err = n.book.Befriend(ctx, ledger.Account{Peer: link.Peer, Name: r.Name, Terms: r.Granted, Theirs: r.Terms,
		Friend: true, Addrs: r.Addrs})
	if err != nil {
		return r, n.checked(err)
	}
	return r, n.befriended(ctx, link.Peer)
}

// noAnswer says what to do about a join that failed. A node without live
// invites doesn't talk to strangers at all, so it can't say what is wrong.
func noAnswer(name string, err error) error {
	if errors.Is(err, p2p.ErrUnreachable) || errors.Is(err, p2p.ErrTimeout) {
		return fmt.Errorf("%s can't be reached: its node is off, or the invite was used, revoked or has expired; cure: ask for a new one while that node is on (%w)", name, err)
	}
	return fmt.Errorf("join %s: %w", name, err)
}

// befriended lets a new friend in, and the loops know of it.
func (n *Node) befriended(ctx context.Context, p peer.ID) error {
	if err := n.regate(ctx); err != nil {
		return err
	}
	n.souvenir.cycle.Trigger()
	if n.host.Connected(p) {
		n.post.met(p)
	} else {
		n.tend.anew(p)
	}
	return nil
}

// greeter answers those who come by an invite.
type greeter Node

var _ p2p.Greeter = (*greeter)(nil)

// Join befriends who proves that it has an invite. Repeated by the same peer it
// is answered the same and changes nothing.
func (g *greeter) Join(ctx context.Context, from peer.ID, j p2p.JoinRequest) (p2p.JoinResponse, error) {
	n := (*Node)(g)
	select {
	case <-n.ready: // who comes in the moment of the start waits for its end
	case <-ctx.Done():
		return p2p.JoinResponse{}, ctx.Err()
	}
	inv, err := n.book.Invite(ctx, j.Invite)
	if errors.Is(err, ledger.ErrNotFound) {
		return p2p.JoinResponse{}, &p2p.Error{Code: p2p.CodeNoSuchInvite}
	}
	if err != nil {
		return p2p.JoinResponse{}, n.checked(err)
	}
	if !p2p.VerifyProof(inv.Secret, n.self, from, j.Proof) {
		n.log.Warn("a wrong proof for an invite", "from", from)
		return p2p.JoinResponse{}, &p2p.Error{Code: p2p.CodeNoSuchInvite}
	}
	name := inv.Name
	if name == "" {
		name = j.Name
	}
	if name, err = n.freeName(ctx, name, from); err != nil {
		return p2p.JoinResponse{}, n.checked(err)
	}
	// One transaction: the invite is used and the account is there, or neither.
	_, err = n.book.UseInvite(ctx, j.Invite, from, n.config.Clock(), ledger.Account{Peer: from, Name: name,
		Terms: inv.Terms, Theirs: ledger.Terms(j.Terms), Friend: true, Addrs: j.Addrs})
	if err != nil {
		return p2p.JoinResponse{}, n.checked(inviteError(err))
	}
	// If we die here: the joiner asks again and gets this answer.
	if err := n.befriended(ctx, from); err != nil {
		return p2p.JoinResponse{}, err
	}
	return p2p.JoinResponse{Name: n.wish().Name, Terms: p2p.Terms(inv.Terms), Addrs: n.sayAddrs()}, nil
}

// inviteError says why an invite isn't good any more.
func inviteError(err error) error {
	for _, t := range []struct {
		is   error
		code p2p.Code
	}{
		{ledger.ErrInviteUsed, p2p.CodeInviteUsed}, {ledger.ErrInviteExpired, p2p.CodeInviteExpired},
		{ledger.ErrInviteRevoked, p2p.CodeInviteRevoked}, {ledger.ErrNotFound, p2p.CodeNoSuchInvite},
	} {
		if errors.Is(err, t.is) {
			return &p2p.Error{Code: t.code}
		}
	}
	return err
}

// checked lets an error pass, with its cure, and ends the node if it must.
func (n *Node) checked(err error) error {
	n.fatal(err)
	return cured(n.dir.path, err)
}
