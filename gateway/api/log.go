package api

import (
	"net/http"
	"strconv"
)

// So many events are read from the books at once; with their evidence, which may
// have 64 KiB each, fewer.
const (
	eventBatch    = 256
	evidenceBatch = 16
)

func (s *server) events(w http.ResponseWriter, r *http.Request) {
	l := &lines{w: w}
	q := r.URL.Query()
	var err error
	var n [3]uint64
	for i, key := range []string{"after", "limit", "newest"} {
		if text := q.Get(key); text != "" && err == nil {
			if n[i], err = strconv.ParseUint(text, 10, 63); err != nil {
				err = usagef("%s is a number, not %q", key, text)
			}
		}
	}
	var said [2]bool
	for i, key := range []string{"follow", "evidence"} {
		if text := q.Get(key); text != "" && err == nil {
			if said[i], err = strconv.ParseBool(text); err != nil {
				err = usagef("%s is true or false, not %q", key, text)
			}
		}
	}
	if err != nil {
		l.end(nil, err)
		return
	}
	after, err := s.beforeNewest(r, n[0], n[2])
	if err != nil {
		l.end(nil, err)
		return
	}
	last, err := s.follow(r, l, after, n[1], said[0], said[1])
	l.end(logEnd{last}, err)
}

// beforeNewest is the number behind which the newest events begin, so many of them
// as were asked for; 0: all that come after a number.
func (s *server) beforeNewest(r *http.Request, after, newest uint64) (uint64, error) {
	if newest == 0 {
		return after, nil
	}
	last, err := s.node.LastEvent(r.Context())
	return max(after, last-min(newest, last)), err
}

// logEnd is the result of a log that wasn't cut.
type logEnd struct {
	Last uint64 `json:"last"` // the greatest number that was sent, or after
}

// follow sends events until there are no more, or limit are sent; with wait,
// until the asker goes.
func (s *server) follow(r *http.Request, l *lines, after, limit uint64, wait, evidence bool) (uint64, error) {
	for sent := uint64(0); ; {
		batch := uint64(batchOf(evidence))
		if limit > 0 {
			batch = min(batch, limit-sent)
		}
		events, err := s.node.Events(r.Context(), after, int(batch))
		if err != nil {
			return after, err
		}
		lot := make([]message, len(events))
		for i := range events {
			if !evidence {
				events[i].Evidence = nil
			}
			lot[i] = message{Event: &events[i]}
			after = events[i].Seq
		}
		if err := l.lot(lot); err != nil {
			return after, err
		}
		sent += uint64(len(events))
		switch {
		case limit > 0 && sent >= limit:
			return after, nil
		case uint64(len(events)) == batch:
		case !wait:
			return after, nil
		default:
			if err := s.node.WaitEvent(r.Context(), after); err != nil {
				return after, err
			}
		}
	}
}

func batchOf(evidence bool) int {
	if evidence {
		return evidenceBatch
	}
	return eventBatch
}
