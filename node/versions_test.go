package node

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
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

// What is whole at its hosts already is put again without a byte sent, and yet its
// name means it from then on: a name of its own, or an older version that came back.
func TestVersionsOfWhatIsThereAlready(t *testing.T) {
	clock := &clock{}
	owner, _ := start(t, configOf(t, "owner", clock))
	host, _ := start(t, config(t, "host"))
	befriend(t, owner, host)
	put := func(name, content string, o files.PutOptions) files.PutResult {
		t.Helper()
		clock.forward(time.Hour)
		o.K, o.N, o.Happy, o.Name = 1, 1, 1, name
		r, err := owner.Put(t.Context(), files.FromBytes(name, []byte(content)), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	long := func(s string) string { return string(bytes.Repeat([]byte(s), 1000)) }
	caps := func(name string) (list []string) {
		t.Helper()
		all, err := owner.Versions(t.Context(), VersionsQuery{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			list = append(list, v.Cap)
		}
		return list
	}
	first := put("cat", long("first"), files.PutOptions{})
	second := put("cat", long("second"), files.PutOptions{})
	back := put("cat", long("first"), files.PutOptions{})
	if want := []string{first.Cap, second.Cap, first.Cap}; back.Sent != 0 || !slices.Equal(caps("cat"), want) {
		t.Errorf("%d bytes sent, cat meant %v, want %v", back.Sent, caps("cat"), want)
	}
	if put("dog", long("first"), files.PutOptions{}); !slices.Equal(caps("dog"), []string{first.Cap}) {
		t.Errorf("dog meant %v", caps("dog"))
	}
	noted := fileEvents(t, owner)
	if put("dog", long("first"), files.PutOptions{}); len(caps("dog")) != 1 || fileEvents(t, owner) != noted {
		t.Errorf("the same again: dog meant %v, noted %d times, want %d", caps("dog"), fileEvents(t, owner), noted)
	}
	put("dog", long("first"), files.PutOptions{Forget: true})
	if put("dog", long("first"), files.PutOptions{}); !slices.Equal(caps("dog"), []string{first.Cap}) {
		t.Errorf("after its cap was forgotten and it was put again: dog meant %q", caps("dog"))
	}
}

func fileEvents(t *testing.T, n *Node) (count int) {
	t.Helper()
	all, err := n.book.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == ledger.KindFile {
			count++
		}
	}
	return count
}
