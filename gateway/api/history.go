package api

import (
	"context"
	"net/http"
	"net/url"

	"potluck/node"
)

// Types of histories.
type (
	History    = node.HistoryView
	HistoryDay = node.HistoryDay
	ProofView  = node.ProofView
)

// historyDays is how many days are given when none are named.
const historyDays = 30

// history answers with the days of one account that the query names.
func (s *server) history(r *http.Request) (any, error) {
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	to := s.node.Today()
	if text := r.URL.Query().Get("to"); text != "" {
		if to, err = node.ParseDay(text); err != nil {
			return nil, err
		}
	}
	from := to - historyDays + 1
	if text := r.URL.Query().Get("from"); text != "" {
		if from, err = node.ParseDay(text); err != nil {
			return nil, err
		}
	}
	return s.node.History(r.Context(), a, from, to)
}

// History gives what was counted for a peer from one day to another, both
// included, as 2006-01-02. Empty: to today, from 29 days before.
func (c *Client) History(ctx context.Context, peer, from, to string) (History, error) {
	q := url.Values{}
	for key, value := range map[string]string{"from": from, "to": to} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return call[History](ctx, c, "GET", friendPath(peer, "/history?"+q.Encode()), nil)
}
