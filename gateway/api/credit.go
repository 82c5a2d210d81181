package api

import (
	"encoding/json"
	"net/http"

	"potluck/ledger"
)

// creditRoutes lists the endpoints of credit, standing and households.
func (s *server) creditRoutes() map[string]handler {
	return map[string]handler{
		"GET /v1/credit":                    s.credit,
		"POST /v1/friends/{peer}/preview":   s.previewTerms,
		"POST /v1/credit/to":                s.creditTo,
		"POST /v1/credit/revoke":            s.creditRevoke,
		"POST /v1/credit/decline":           s.creditDecline,
		"POST /v1/credit/repay":             s.repayVia,
		"POST /v1/credit/work-for":          s.workFor,
		"GET /v1/friends/{peer}/why":        s.why,
		"GET /v1/friends/{peer}/standing":   s.standing,
		"PATCH /v1/friends/{peer}/standing": s.setStanding,
		"POST /v1/friends/{peer}/pardon":    s.pardon,
		"GET /v1/friends/{peer}/proof":      s.proof,
		"GET /v1/household":                 s.household,
		"PUT /v1/household":                 s.setHousehold,
	}
}

// credit answers from what hosts said last, or after they were asked.
func (s *server) credit(r *http.Request) (any, error) {
	if text := r.URL.Query().Get("ask"); text != "" {
		if ask, err := yes("ask", text); err != nil {
			return nil, err
		} else if ask {
			return s.node.Credit(r.Context())
		}
	}
	return s.node.CreditHeard(r.Context())
}

func (s *server) creditTo(r *http.Request) (any, error) {
	var q CreditToRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.CreditTo(r.Context(), q)
}

func (s *server) creditRevoke(r *http.Request) (any, error) {
	var q CreditRevokeRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.CreditRevoke(r.Context(), q)
}

func (s *server) creditDecline(r *http.Request) (any, error) {
	var q CreditDeclineRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.CreditDecline(r.Context(), q)
}

func (s *server) repayVia(r *http.Request) (any, error) {
	var q RepayViaRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.RepayVia(r.Context(), q)
}

func (s *server) workFor(r *http.Request) (any, error) {
	var q WorkForRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.WorkFor(r.Context(), q)
}

func (s *server) why(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	return s.node.Why(r.Context(), a)
}

func (s *server) standing(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	return s.node.Standing(r.Context(), a)
}

func (s *server) setStanding(r *http.Request) (any, error) {
	a, q, err := askedOf[StandingChange](s, r)
	if err != nil {
		return nil, err
	}
	return s.node.SetStanding(r.Context(), a, q)
}

// pardon and what else takes no body still refuses one that says something.
func (s *server) pardon(r *http.Request) (any, error) {
	a, err := s.bodiless(r)
	if err != nil {
		return nil, err
	}
	return s.node.Pardon(r.Context(), a)
}

// bodiless reads the body of a call that takes none, and gives the account that
// the path names.
func (s *server) bodiless(r *http.Request) (ledger.Account, error) {
	if err := read(r, &none{}); err != nil {
		return ledger.Account{}, err
	}
	return s.account(r)
}

// proof answers with the document file as it is.
func (s *server) proof(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	file, err := s.node.Proof(r.Context(), a)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(file), nil
}

func (s *server) household(r *http.Request) (any, error) { return s.node.Household(r.Context()) }

func (s *server) setHousehold(r *http.Request) (any, error) {
	var q HouseholdRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.SetHousehold(r.Context(), q)
}
