package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/node"
)

func (s *server) status(r *http.Request) (any, error) { return s.node.Status(r.Context()) }

func (s *server) invite(r *http.Request) (any, error) {
	var q InviteRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.Invite(r.Context(), q)
}

func (s *server) invites(r *http.Request) (any, error) {
	all, err := s.node.Invites(r.Context())
	slices.SortFunc(all, func(a, b Invite) int { return int(b.Created - a.Created) })
	return all, err
}

func (s *server) revoke(r *http.Request) (any, error) {
	return none{}, s.node.Revoke(r.Context(), r.PathValue("id"))
}

func (s *server) join(r *http.Request) (any, error) {
	var q JoinRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.Join(r.Context(), q)
}

func (s *server) friends(r *http.Request) (any, error) { return s.node.Friends(r.Context()) }

func (s *server) who(r *http.Request) (any, error) { return s.node.Who(r.Context()) }

// account is the one that the path names.
func (s *server) account(r *http.Request) (ledger.Account, error) {
	return s.node.Resolve(r.Context(), r.PathValue("peer"))
}

// askedOf is the body of a call about an account, and the account that the path names.
func askedOf[Q any](s *server, r *http.Request) (a ledger.Account, q Q, err error) {
	if err := read(r, &q); err != nil {
		return a, q, err
	}
	a, err = s.account(r)
	return a, q, err
}

func (s *server) shares(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	part, err := sharesPart(r.URL.Query())
	if err != nil {
		return nil, err
	}
	return s.node.Shares(r.Context(), a, part)
}

// sharesPart reads which rows are asked for.
func sharesPart(q url.Values) (part node.SharesPart, err error) {
	part.Side = q.Get("side")
	if text := q.Get("limit"); text != "" {
		if part.Limit, err = number("limit", text); err != nil {
			return part, err
		}
	}
	if text := q.Get("after"); text != "" {
		index, share, _ := strings.Cut(text, "/")
		if err := part.After.Index.UnmarshalText([]byte(index)); err != nil {
			return part, usagef("after names a share as INDEX/NUMBER: %v", err)
		}
		i, err := number("after", share)
		if err != nil || i < 0 || i >= potluck.MaxShares {
			return part, usagef("after names a share as INDEX/NUMBER, not %q", text)
		}
		part.After.Number = potluck.ShareNumber(i)
	}
	return part, nil
}

func (s *server) terms(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	return s.node.Terms(a), nil
}

func (s *server) setTerms(r *http.Request) (any, error) {
	a, q, err := askedOf[TermsChange](s, r)
	if err != nil {
		return nil, err
	}
	return s.node.SetTerms(r.Context(), a, q)
}

func (s *server) previewTerms(r *http.Request) (any, error) {
	a, q, err := askedOf[TermsChange](s, r)
	if err != nil {
		return nil, err
	}
	return s.node.PreviewTerms(r.Context(), a, q)
}

func (s *server) deny(r *http.Request) (any, error) { return s.setDenied(r, true) }

func (s *server) accept(r *http.Request) (any, error) { return s.setDenied(r, false) }

func (s *server) setDenied(r *http.Request, denied bool) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	return s.node.SetDenied(r.Context(), a, denied)
}

func (s *server) evict(r *http.Request) (any, error) {
	a, q, err := askedOf[EvictRequest](s, r)
	if err != nil {
		return nil, err
	}
	return s.node.Evict(r.Context(), a, q.DryRun)
}

func (s *server) unfriend(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	return none{}, s.node.Unfriend(r.Context(), a)
}

// cap reads the cap of a body. Caps never stand in a path or query, where logs
// and process lists would show them.
func (s *server) cap(r *http.Request) (caps.Cap, error) {
	var q capRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return caps.Parse(q.Cap)
}

func (s *server) remove(r *http.Request) (any, error) {
	var q removeRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	if q.Index != "" {
		if q.Cap != "" {
			return nil, usagef("there is a cap and an index; give one")
		}
		return s.node.RemoveIndexed(r.Context(), q.Index)
	}
	c, err := caps.Parse(q.Cap)
	if err != nil {
		return nil, err
	}
	return s.node.Remove(r.Context(), c)
}

func (s *server) where(r *http.Request) (any, error) {
	c, err := s.cap(r)
	if err != nil {
		return nil, err
	}
	return s.node.Where(r.Context(), c)
}

func (s *server) check(r *http.Request) (any, error) {
	var q readRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	if q.Read {
		return s.node.CheckBytes(r.Context())
	}
	return s.node.Check(r.Context())
}
