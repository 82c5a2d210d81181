package api

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"potluck/files"
)

// progressEvery bounds how often progress is told.
const progressEvery = 100 * time.Millisecond

// lines writes an NDJSON stream. The status line is sent with the first line;
// an error before that is answered as by any other call.
type lines struct {
	w http.ResponseWriter

	mu    sync.Mutex
	begun bool
	last  time.Time // of the newest progress
	stage string
	err   error // the first failure to write; the reader is gone
}

func (l *lines) send(m message) error {
	l.write(m)
	return l.flush()
}

// lot sends several lines together.
func (l *lines) lot(all []message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(all) == 0 {
		return l.err
	}
	for _, m := range all {
		l.write(m)
	}
	return l.flush()
}

// write writes a line, which may wait for flush.
func (l *lines) write(m message) {
	if l.err != nil {
		return
	}
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/x-ndjson")
	}
	l.err = json.NewEncoder(l.w).Encode(m)
}

func (l *lines) flush() error {
	if l.err == nil {
		l.err = http.NewResponseController(l.w).Flush()
	}
	return l.err
}

// progress tells how far the work is, unless it did just now.
func (l *lines) progress(p files.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if p.Stage == l.stage && now.Sub(l.last) < progressEvery {
		return
	}
	l.stage, l.last = p.Stage, now
	_ = l.send(message{Progress: &p}) // kept in l.err
}

// end sends the last line: the result, or the error.
func (l *lines) end(v any, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if !l.begun {
			fail(l.w, problem(err))
			return
		}
		_ = l.send(message{Error: problem(err)}) // kept in l.err
		return
	}
	b, err := json.Marshal(v)
	m := message{Result: b}
	if err != nil {
		m = message{Error: problem(err)}
	}
	_ = l.send(m) // kept in l.err
}
