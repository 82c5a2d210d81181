package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"potluck/caps"
	"potluck/files"
	"potluck/internal/durable"
)

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	var q GetRequest
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := read(r, &q); err != nil {
		fail(w, problem(err))
		return
	}
	c, err := caps.Parse(q.Cap)
	if err != nil {
		fail(w, problem(err))
		return
	}
	if q.Path != "" {
		l := &lines{w: w}
		l.end(s.getFile(r, c, q, l.progress))
		return
	}
	f := &frames{w: w}
	f.end(s.node.Get(r.Context(), c, f, options(q), f.progress))
}

func options(q GetRequest) files.GetOptions {
	return files.GetOptions{Offset: q.Offset, Length: q.Length}
}

// getFile writes a file that is there whole, or not at all. If we die before
// the rename: a hidden file beside it is left.
func (s *server) getFile(r *http.Request, c caps.Cap, q GetRequest, report func(files.Progress)) (res files.GetResult, err error) {
	if !filepath.IsAbs(q.Path) {
		return res, usagef("path %q is not absolute", q.Path)
	}
	switch st, err := os.Lstat(q.Path); {
	case err == nil && !st.Mode().IsRegular():
		return res, usagef("%s is there already, and no regular file", q.Path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return res, err
	}
	dir, name := filepath.Split(q.Path)
	f, err := os.CreateTemp(dir, "."+name+".potluck-*") // 0600: what was secret stays so
	if err != nil {
		return res, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error tells more
		}
	}()
	res, err = s.node.Get(r.Context(), c, durable.NewFlowWriter(f), options(q), report)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return res, err
	}
	if err := os.Rename(f.Name(), q.Path); err != nil {
		return res, err
	}
	return res, durable.SyncDir(dir)
}

// frames writes a file as a stream of frames.
type frames struct {
	w http.ResponseWriter

	mu    sync.Mutex
	begun bool
	last  time.Time // of the newest progress
}

func (f *frames) frame(letter byte, b []byte) error {
	if !f.begun {
		f.begun = true
		f.w.Header().Set("Content-Type", "application/octet-stream")
	}
	return writeFrame(f.w, letter, b)
}

// Write sends bytes of the file.
func (f *frames) Write(p []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(p) > 0 {
		part := p[:min(len(p), maxFrame)]
		if err := f.frame(frameData, part); err != nil {
			return n, fmt.Errorf("send to the asker: %w", err)
		}
		n += len(part)
		p = p[len(part):]
	}
	return n, nil
}

func (f *frames) progress(p files.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.last) < progressEvery {
		return
	}
	f.last = now
	if b, err := json.Marshal(p); err == nil {
		_ = f.frame(frameProgress, b) // the next Write tells
	}
}

// end sends the last frame.
func (f *frames) end(res files.GetResult, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && !f.begun {
		fail(f.w, problem(err))
		return
	}
	letter, b := byte(frameResult), []byte(nil)
	if err == nil {
		b, err = json.Marshal(res)
	}
	if err != nil {
		letter = frameError
		b, _ = json.Marshal(problem(err)) // texts and numbers always can be
	}
	_ = f.frame(letter, b[:min(len(b), maxFrame)]) // without it the reader knows that it was cut
}
