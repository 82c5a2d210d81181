// Package web is the page: what people see of their node in a browser. It is
// files alone, without any of the node's data; those come from the API, with a
// token.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"potluck/internal/vendored"
)

//go:embed static
var static embed.FS

// file is one file of the page, ready to be sent.
type file struct {
	kind         string // its media type
	tag          string // its entity tag
	plain, small []byte // small is compressed with gzip
}

// Handler answers with the page's files: everything below "/" that is no call
// of the API. It makes them ready when the first is asked for: most nodes of a
// testnet never are. It is safe for concurrent use.
func Handler() http.Handler {
	ready := sync.OnceValues(all)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := ready()
		if err != nil {
			http.Error(w, "the page can't be made ready: "+err.Error(), http.StatusInternalServerError)
			return
		}
		p.ServeHTTP(w, r)
	})
}

func all() (page, error) {
	files := make(page)
	root, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	if err := add(files, root, "/"); err != nil {
		return nil, err
	}
	if err := add(files, vendored.Files(), "/vendored/"); err != nil {
		return nil, err
	}
	files["/"] = files["/index.html"]
	return files, nil
}

// add makes all files of a tree ready.
func add(files page, tree fs.FS, below string) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := prepare(name, b)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", name, err)
		}
		files[below+name] = f
		return nil
	})
}

func prepare(name string, b []byte) (file, error) {
	var small bytes.Buffer
	z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return file{}, err
	}
	if _, err := z.Write(b); err != nil {
		return file{}, err
	}
	if err := z.Close(); err != nil {
		return file{}, err
	}
	sum := sha256.Sum256(b)
	return file{kind: kindOf(name), tag: `"` + hex.EncodeToString(sum[:16]) + `"`, plain: b, small: small.Bytes()}, nil
}

// kindOf doesn't ask the machine's own table, which may call a script otherwise.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(".txt")
}

// page is the files by path.
type page map[string]file

// ServeHTTP gives one file.
func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p[r.URL.Path]
	switch {
	case !ok:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the page's files can be read only", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache") // asked for again, and answered by the tag alone
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		b = f.small
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(b) // an error means that nobody reads it any more
	}
}
