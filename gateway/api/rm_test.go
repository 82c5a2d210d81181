package api

import (
	"bytes"
	"testing"

	"potluck/files"
)

// A file that the books know without its cap is removed by its storage index.
func TestRemoveByIndex(t *testing.T) {
	all := friends(t, "alice", "bob", "carol")
	alice := all[0]
	content := bytes.Repeat([]byte("no cap"), 20<<10)
	put := func(forget bool) files.PutResult {
		r, err := alice.Put(t.Context(), PutRequest{Name: "x", Forget: forget}, bytes.NewReader(content), nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := put(false); r.Forgot {
		t.Error("a first put forgets a cap")
	}
	r := put(true)
	rows, err := alice.Files(t.Context())
	if err != nil || len(rows) != 1 || rows[0].Cap != "" || !r.Forgot {
		t.Fatalf("a put with forget leaves %+v, %v, and says %v of it", rows, err, r.Forgot)
	}
	if r := put(true); r.Forgot {
		t.Error("nothing is forgotten twice")
	}
	index := r.Index.String()
	for _, wrong := range []string{index[:3], "a", index + "aa"} {
		if _, err := alice.RemoveIndexed(t.Context(), wrong); err == nil {
			t.Errorf("%q names a file", wrong)
		}
	}
	rm, err := alice.RemoveIndexed(t.Context(), index[:6])
	if err != nil || rm.Cancelled != 2 || rm.Freed == 0 {
		t.Fatalf("rm: %+v, %v", rm, err)
	}
	for _, f := range all[1:] {
		if s, err := f.Status(t.Context()); err != nil || s.Held != 0 {
			t.Errorf("%s holds %v, %v", s.Name, s.Held, err)
		}
	}
}
