package ledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func versionsOf(t testing.TB, b *Book, name string) (all []Version) {
	t.Helper()
	if err := b.VersionsOf(t.Context(), name, func(v Version) error { all = append(all, v); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func named(x int, name string, put int64) File {
	return File{Index: shareID(x, 0).Index, Manifest: digest(x), Layout: layout, Name: name, Put: put, Wanted: 3}
}

// contentOf is the number of which named made the content.
func contentOf(v Version) int {
	for x := range 10 {
		if v.Index == shareID(x, 0).Index {
			return x
		}
	}
	return -1
}

// A name that is put again and again has no more versions than can be read at each
// put: the oldest go.
func TestVersionsOfOneNameAreBounded(t *testing.T) {
	b := openBook(t, t.TempDir(), newClock())
	var old []Version
	for i := range maxVersions + MaxBatch/2 { // as a recovery finds them
		old = append(old, Version{Name: "status", Time: int64(i + 1), Cap: fmt.Sprint("cap", i)})
	}
	for part := range slices.Chunk(old, MaxBatch) {
		if err := b.Recall(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if err := b.PutSmall(t.Context(), Version{Name: "status", Time: int64(1e6 + i), Cap: fmt.Sprint("new", i)}); err != nil {
			t.Fatal(err)
		}
		got := versionsOf(t, b, "status")
		if len(got) != maxVersions || got[maxVersions-1].Cap != fmt.Sprint("new", i) || got[0].Time != int64(MaxBatch/2+i+2) {
			t.Fatalf("put %d: %d versions, from %d to %q", i, len(got), got[0].Time, got[len(got)-1].Cap)
		}
	}
	clean(t, b)
}

// What a name meant is kept: older contents, the one that came back, and when each
// was given up.
func TestVersions(t *testing.T) {
	b := openBook(t, t.TempDir(), newClock())
	put := func(f File) {
		t.Helper()
		if err := b.PutFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	put(named(1, "cat", 100))
	put(named(1, "cat", 150)) // the same again: no row
	put(named(2, "cat", 200))
	put(named(1, "cat", 300)) // it came back
	put(named(2, "dog", 250)) // the same content under another name
	put(named(3, "", 260))
	put(named(4, "cat", 10)) // noted late
	const late = 1 << 39
	put(named(5, "cat", late))
	put(named(6, "cat", 400)) // by a clock that was set back
	var times []int64
	var contents []int
	for _, v := range versionsOf(t, b, "cat") {
		times, contents = append(times, v.Time), append(contents, contentOf(v))
	}
	if !slices.Equal(times, []int64{10, 100, 200, 300, late, late + 1}) || !slices.Equal(contents, []int{4, 1, 2, 1, 5, 6}) {
		t.Errorf("cat was %v at %v", contents, times)
	}
	if got := versionsOf(t, b, "dog"); len(got) != 1 || got[0].Index != shareID(2, 0).Index {
		t.Errorf("dog was %+v", got)
	}
	if err := b.DropFile(t.Context(), shareID(1, 0).Index); err != nil {
		t.Fatal(err)
	}
	for _, v := range versionsOf(t, b, "cat") {
		if (v.Removed != 0) != (contentOf(v) == 1) {
			t.Errorf("after the removal of 1: %+v", v)
		}
	}
	put(named(1, "cat", 2_000_000_000))
	if got := versionsOf(t, b, "cat"); len(got) != 7 || got[6].Removed != 0 {
		t.Errorf("put after it was removed: %+v", got)
	}
	clean(t, b)
	if gone, err := b.ForgetVersions(t.Context(), 1<<40); err != nil || gone != 2 {
		t.Errorf("%d old versions went, %v", gone, err)
	}
	left := versionsOf(t, b, "cat")
	if len(left) != 5 {
		t.Errorf("left are %+v", left)
	}
	clean(t, b)
}

// A node that was recovered gets its files in any order, and then what names meant:
// they mean the same again.
func TestVersionsAreRecalled(t *testing.T) {
	b := openBook(t, t.TempDir(), newClock())
	for _, x := range []int{3, 1, 2} {
		if err := b.PutFile(t.Context(), named(x, "cat", int64(100*x+50))); err != nil { // put again since
			t.Fatal(err)
		}
	}
	was := []Version{{Name: "cat", Time: 90, Size: 1, Cap: "literal", Removed: 95}}
	for x := 1; x <= 3; x++ {
		was = append(was, Version{Name: "cat", Time: int64(100 * x), Size: layout.Size, Index: shareID(x, 0).Index})
	}
	for range 2 {
		if err := b.Recall(t.Context(), was); err != nil {
			t.Fatal(err)
		}
	}
	var contents []int
	for _, v := range versionsOf(t, b, "cat") {
		contents = append(contents, contentOf(v))
	}
	if !slices.Equal(slices.Compact(contents), []int{-1, 1, 2, 3}) {
		t.Errorf("cat was %v", contents)
	}
	if err := b.Recall(t.Context(), []Version{{Name: "cat"}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a version of nothing: %v", err)
	}
	clean(t, b)
}

// A file that lies in its cap has versions too, and no row of its own.
func TestSmallVersions(t *testing.T) {
	b := openBook(t, t.TempDir(), newClock())
	for i, v := range []Version{{Name: "note", Time: 100, Size: 2, Cap: "one"}, {Name: "copy", Time: 110, Size: 2, Cap: "one"}, {Name: "note", Time: 120, Cap: "two"}} {
		if err := b.PutSmall(t.Context(), v); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	for _, wrong := range []Version{{Time: 1, Cap: "x"}, {Name: "x", Time: 1}, {Name: "x", Time: 1, Index: shareID(1, 0).Index}, {Name: "x", Time: 3, Removed: 4, Cap: "x"}} {
		if err := b.PutSmall(t.Context(), wrong); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if gone, err := b.DropSmall(t.Context(), "one"); err != nil || gone != 2 {
		t.Errorf("%d went, %v", gone, err)
	}
	if got := versionsOf(t, b, "note"); len(got) != 2 || got[0].Removed == 0 || got[1].Removed != 0 {
		t.Errorf("note was %+v", got)
	}
	if err := b.Versions(t.Context(), func(v Version) error {
		if v.Cap == "one" {
			t.Errorf("the content is there still: %+v", v)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	clean(t, b)
}

// Books that had no versions tell of the last put of each file.
func TestVersionsOfOldBooks(t *testing.T) {
	b := openBook(t, unpack(t), newClock())
	var f File
	if err := b.Files(t.Context(), func(one File) error { f = one; return nil }); err != nil {
		t.Fatal(err)
	}
	if f.Name == "" {
		t.Fatalf("the file of the first books has no name: %+v", f)
	}
	before := f
	f.Put += 100
	f.Name = "another"
	if err := b.PutFile(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if got := versionsOf(t, b, before.Name); len(got) != 1 || got[0].Time != before.Put || got[0].Index != before.Index {
		t.Errorf("under its first name: %+v", got)
	}
	clean(t, b)
}

// Against a list of what was done: the newest version of a name is what was put
// under it last, unless that was removed.
func TestVersionsAgainstAList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := openBook(t, t.TempDir(), newClock())
		defer b.Close()
		last := map[string]int{}
		names := map[int]string{} // under which a content was put last
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			x := rapid.SampledFrom([]int{1, 2, 3}).Draw(rt, "content")
			name := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name")
			if rapid.IntRange(0, 3).Draw(rt, "act") == 0 {
				if err := b.DropFile(t.Context(), shareID(x, 0).Index); err != nil {
					rt.Fatal(err)
				}
				if of, kept := names[x]; kept && last[of] == x {
					last[of] = 0
				}
				delete(names, x)
				continue
			}
			if err := b.PutFile(t.Context(), named(x, name, 1_800_000_000+int64(i))); err != nil {
				rt.Fatal(err)
			}
			last[name], names[x] = x, name
		}
		for name, want := range last {
			all := versionsOf(t, b, name)
			newest := all[len(all)-1]
			if want != 0 && (newest.Index != shareID(want, 0).Index || newest.Removed != 0) || want == 0 && newest.Removed == 0 {
				rt.Fatalf("%s is %+v, want content %d", name, newest, want)
			}
		}
	})
}
