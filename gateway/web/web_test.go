package web

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// maxWeight is the most bytes that all of the page may have on its way,
// compressed, as it was promised.
const maxWeight = 400 << 10

func TestWeight(t *testing.T) {
	p, err := all()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for path, f := range p {
		if path != "/" && !strings.Contains(path, "LICENSE") {
			total += len(f.small)
		}
	}
	t.Logf("%d files, %d bytes compressed", len(p), total)
	if len(p) < 20 || total > maxWeight {
		t.Errorf("%d files have %d bytes compressed, at most %d are promised", len(p), total, maxWeight)
	}
}

// The page's files need nothing from elsewhere, and no script or style of theirs
// stands in the page itself, which its policy forbids.
func TestSelfContained(t *testing.T) {
	p, err := all()
	if err != nil {
		t.Fatal(err)
	}
	for path, f := range p {
		if strings.HasPrefix(path, "/vendored/") {
			continue
		}
		for _, bad := range []string{"https://", "http://", "//cdn", "<script>", "<style", "innerHTML", "dangerouslySet", "eval("} {
			if text := strings.ReplaceAll(string(f.plain), "http://www.w3.org/", ""); strings.Contains(text, bad) {
				t.Errorf("%s has %q in it", path, bad)
			}
		}
	}
}

// All modules are named in the page, so that a browser asks for them at once.
func TestModulesArePreloaded(t *testing.T) {
	p, err := all()
	if err != nil {
		t.Fatal(err)
	}
	for path := range p {
		if strings.HasPrefix(path, "/js/") && !strings.Contains(string(p["/"].plain), `"`+path+`"`) {
			t.Errorf("the page doesn't name %s", path)
		}
	}
}

func TestFiles(t *testing.T) {
	h := Handler()
	ask := func(method, path string, head ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	first := ask("GET", "/")
	body, _ := io.ReadAll(first.Body)
	if first.Code != 200 || !strings.Contains(string(body), "<title>Potluck</title>") || first.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the page: %d, %v", first.Code, first.Header())
	}
	if again := ask("GET", "/", "If-None-Match", first.Header().Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("the same again: %d, %d bytes", again.Code, again.Body.Len())
	}
	if small := ask("GET", "/app.css", "Accept-Encoding", "gzip"); small.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(small.Body.String(), "\x1f\x8b") {
		t.Errorf("compressed: %v", small.Header())
	}
	if head := ask("HEAD", "/js/main.js"); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("the head alone: %d, %v", head.Code, head.Header())
	}
	for path, want := range map[string]int{"/nothing": 404, "/static/index.html": 404, "/vendored/": 404, "/js": 404} {
		if got := ask("GET", path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if post := ask("POST", "/"); post.Code != 405 {
		t.Errorf("a POST: %d", post.Code)
	}
}
