package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// pushBeat is how often a stream without events says that it is alive.
const pushBeat = 15 * time.Second

// pushWork is how often it is looked whether what the node works on is to be told.
const pushWork = 500 * time.Millisecond

// pushEvents sends events as they come, in the form of server-sent events
// (HTML, section 9.2): the number of an event is its id, so that a reader that
// was cut off goes on where it was. Without a number it begins with what comes
// next.
func (s *server) pushEvents(w http.ResponseWriter, r *http.Request) {
	after, err := s.pushFrom(r)
	if err != nil {
		fail(w, problem(err))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	events := make(chan Event)
	go s.collect(r, after, events) // ends with the request
	if _, err := fmt.Fprintf(w, ": from %d\n\n", after); err != nil || out.Flush() != nil {
		return
	}
	beat, look := time.NewTicker(pushBeat), time.NewTicker(pushWork)
	defer beat.Stop()
	defer look.Stop()
	shown := []byte("[]")
	for {
		select {
		case e, more := <-events:
			if !more {
				return
			}
			b, _ := json.Marshal(e) // texts and numbers always can be
			_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, b)
		case <-look.C:
			b, _ := json.Marshal(s.node.Works()) // likewise
			if bytes.Equal(b, shown) {
				continue
			}
			shown = b
			_, err = fmt.Fprintf(w, "event: work\ndata: %s\n\n", b)
		case <-beat.C:
			_, err = fmt.Fprint(w, ": alive\n\n")
		}
		if err != nil || out.Flush() != nil {
			return
		}
	}
}

// pushFrom is the number after which events are sent.
func (s *server) pushFrom(r *http.Request) (uint64, error) {
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")} {
		if text == "" {
			continue
		}
		after, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return 0, usagef("events begin after a number, not %q", text)
		}
		return after, nil
	}
	last, err := s.node.LastEvent(r.Context())
	return last, err
}

// collect gives events until the asker goes or the books end.
func (s *server) collect(r *http.Request, after uint64, to chan<- Event) {
	defer close(to)
	for {
		batch, err := s.node.Events(r.Context(), after, eventBatch)
		if err != nil {
			return
		}
		for _, e := range batch {
			select {
			case to <- e:
			case <-r.Context().Done():
				return
			}
			after = e.Seq
		}
		if len(batch) == 0 && s.node.WaitEvent(r.Context(), after) != nil {
			return
		}
	}
}
