package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"potluck"
	"potluck/files"
)

const (
	smallBody = 1 << 20   // a body up to this stays in memory
	spoolStep = 64 << 20  // bytes spooled between two looks at the disk's room
	copyLen   = 256 << 10 // bytes moved at once
)

func (s *server) put(w http.ResponseWriter, r *http.Request) {
	l := &lines{w: w}
	o, err := s.putOptions(r.Context(), r.URL.Query())
	if err != nil {
		l.end(nil, err)
		return
	}
	src, err := s.source(r)
	if err != nil {
		l.end(nil, err)
		return
	}
	l.end(s.node.Put(r.Context(), src, o, l.progress))
}

// putOptions reads the query strictly.
func (s *server) putOptions(ctx context.Context, q url.Values) (o files.PutOptions, err error) {
	for key, values := range q {
		text := values[0]
		switch {
		case key == "host":
			for _, name := range values {
				a, err := s.node.Resolve(ctx, name)
				if err != nil {
					return o, err
				}
				o.Hosts = append(o.Hosts, a.Peer)
			}
		case len(values) != 1:
			return o, usagef("%q is said %d times", key, len(values))
		case key == "k":
			o.K, err = number(key, text)
		case key == "n":
			o.N, err = number(key, text)
		case key == "happy":
			o.Happy, err = number(key, text)
		case key == "preset":
			o.Preset = files.Preset(text)
		case key == "random":
			o.Random, err = yes(key, text)
		case key == "forget":
			o.Forget, err = yes(key, text)
		case key == "explain":
			o.Explain, err = yes(key, text)
		case key == "name":
			o.Name = text
		case key != "path":
			err = usagef("%q is no option of put", key)
		}
		if err != nil {
			return o, err
		}
	}
	if path := q.Get("path"); path != "" && o.Name == "" {
		o.Name = filepath.Base(path)
	}
	return o, nil
}

func number(key, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, usagef("%s is a number, not %q", key, text)
	}
	return n, nil
}

func yes(key, text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, usagef("%s is true or false, not %q", key, text)
	}
	return b, nil
}

// source is the file that the query names, or the body.
func (s *server) source(r *http.Request) (files.Source, error) {
	q := r.URL.Query()
	if !q.Has("path") {
		return s.body(r.Context(), q.Get("name"), r.Body)
	}
	path := q.Get("path")
	if !filepath.IsAbs(path) {
		return nil, usagef("path %q is not absolute", path)
	}
	return files.OpenFile(path)
}

// body takes a whole body in before anything of it is put: its key depends on
// all of it, and it is read twice. Small ones stay in memory.
func (s *server) body(ctx context.Context, name string, body io.Reader) (files.Source, error) {
	var small bytes.Buffer
	n, err := io.Copy(&small, io.LimitReader(body, smallBody+1))
	if err != nil {
		return nil, fmt.Errorf("read what is to be put: %w", err)
	}
	if n <= smallBody {
		return files.FromBytes(name, small.Bytes()), nil
	}
	f, err := s.node.Spool()
	if err != nil {
		return nil, fmt.Errorf("make a file for what is to be put: %w", err)
	}
	size, err := s.spool(ctx, f, io.MultiReader(&small, body))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &spooled{File: f, name: name, size: potluck.Size(size)}, nil
}

// spool copies a body into a file, as long as the disk has room above the
// floor.
func (s *server) spool(ctx context.Context, f *os.File, body io.Reader) (size int64, err error) {
	buf := make([]byte, copyLen)
	for {
		room, err := s.node.SpoolRoom(ctx)
		if err != nil {
			return size, err
		}
		limit := min(room, spoolStep)
		if limit <= 0 {
			return size, usagef("the disk has no room for more than %v of what is to be put; put a file by its path instead of a pipe, or free the disk", potluck.Size(size))
		}
		n, err := io.CopyBuffer(onlyWriter{f}, io.LimitReader(body, limit), buf)
		size += n
		if err != nil {
			return size, fmt.Errorf("take in what is to be put, after %d bytes: %w", size, err)
		}
		if n < limit {
			return size, nil
		}
	}
}

// onlyWriter hides a file's ReadFrom, which would not use the buffer.
type onlyWriter struct{ io.Writer }

// spooled is a body that lies in a file without a name.
type spooled struct {
	*os.File
	name string
	size potluck.Size
}

func (s *spooled) Size() potluck.Size { return s.size }
func (s *spooled) Name() string       { return s.name }
func (s *spooled) Check() error       { return nil } // nobody else can reach it
