package node

import (
	"bytes"
	"testing"
	"time"

	"potluck/caps"
	"potluck/files"
)

// Names mean one content after the other; each can be read, also what lies in its
// cap, until it is removed.
func TestVersions(t *testing.T) {
	clock := &clock{}
	c := configOf(t, "owner", clock)
	owner, _ := start(t, c)
	host, _ := start(t, config(t, "host"))
	befriend(t, owner, host)
	put := func(name, content string) files.PutResult {
		t.Helper()
		clock.forward(time.Hour)
		r, err := owner.Put(t.Context(), files.FromBytes(name, []byte(content)), files.PutOptions{K: 1, N: 1, Happy: 1, Name: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	long := func(s string) string { return string(bytes.Repeat([]byte(s), 1000)) }
	first := put("a/cat", long("first"))
	between := clock.now().Unix() + 60
	second := put("a/cat", long("second"))
	small := put("a/note", "tiny")
	put("a/empty", "")
	list := func(q VersionsQuery) []FileVersion {
		t.Helper()
		all, err := owner.Versions(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := list(VersionsQuery{Name: "a/cat"}); len(all) != 2 || all[0].Cap != second.Cap || all[1].Cap != first.Cap || all[1].Until != all[0].Put || all[0].Until != 0 || all[0].Placed != 1 {
		t.Errorf("versions of a/cat: %+v", all)
	}
	if all := list(VersionsQuery{AsOf: between}); len(all) != 1 || all[0].Cap != first.Cap {
		t.Errorf("between: %+v", all)
	}
	if all := list(VersionsQuery{}); len(all) != 3 || all[0].Cap != second.Cap || all[1].Name != "a/empty" || all[2].Cap != small.Cap || all[2].Index != nil {
		t.Errorf("now: %+v", all)
	}
	if all := list(VersionsQuery{After: "a/cat", Limit: 1}); len(all) != 1 || all[0].Name != "a/empty" {
		t.Errorf("after a/cat: %+v", all)
	}
	for _, text := range []string{first.Cap, small.Cap} {
		one, err := caps.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		clock.forward(time.Hour)
		if _, err := owner.Remove(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if all := list(VersionsQuery{AsOf: between}); len(all) != 0 {
		t.Errorf("between, after it was removed: %+v", all)
	}
	if all := list(VersionsQuery{Name: "a/cat"}); len(all) != 2 || all[0].Removed || !all[1].Removed || all[1].Cap != "" {
		t.Errorf("versions of a/cat after a removal: %+v", all)
	}
	if all := list(VersionsQuery{}); len(all) != 2 {
		t.Errorf("now, after removals: %+v", all)
	}
}
