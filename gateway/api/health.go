package api

import (
	"io"
	"net/http"
)

// alive says that the process answers.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "alive\n") // an error means that nobody reads it any more
}

// ready says whether the books and the store answer.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if _, err := s.node.Status(r.Context()); err != nil {
		fail(w, problem(err))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ready\n")
}
