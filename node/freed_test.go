package node

import (
	"testing"

	"potluck"
)

// counts gives what both sides count of what a host holds for an owner.
func counts(t *testing.T, owner, host *Node) (mine, theirs potluck.Size) {
	t.Helper()
	o, err := owner.book.Usage(t.Context(), host.self)
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.book.Usage(t.Context(), owner.self)
	if err != nil {
		t.Fatal(err)
	}
	return o.Earned, h.Held
}

// TestFreedBytesShowOnBothSides: whoever frees them, without waiting for a
// heartbeat or for the next day's statement.
func TestFreedBytesShowOnBothSides(t *testing.T) {
	owner, host := pair(t)
	first, charge := store(t, owner, host, 20<<10)
	store(t, owner, host, 20<<10)
	orphan := makeContent(t, 300<<10)
	orphan.put(t, owner, host)
	turn(t, host, owner)
	if _, err := owner.Remove(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if mine, _ := counts(t, owner, host); mine != charge {
		t.Errorf("after a removal the owner counts %v, want %v", mine, charge)
	}
	if _, err := owner.Orphans(t.Context(), OrphansRequest{Cancel: true}); err != nil {
		t.Fatal(err)
	}
	if mine, theirs := counts(t, owner, host); mine != charge || theirs != charge {
		t.Errorf("after a cancel the two count %v and %v, want %v", mine, theirs, charge)
	}
	if _, err := host.Evict(t.Context(), account(t, host, owner), false); err != nil {
		t.Fatal(err)
	}
	// The host's next statement says it, the owner compares, marks and signs.
	eventually(t, "the owner counts what was evicted as lost", func() bool {
		mine, theirs := counts(t, owner, host)
		return mine == 0 && theirs == 0
	})
	eventually(t, "the two agree", func() bool {
		proposeAgain(t, host, owner)
		for _, n := range []*Node{owner, host} {
			if s, _, err := n.newest(t.Context(), host.self, owner.self); err != nil || s.Bytes != 0 {
				return false
			}
		}
		return true
	})
	eventually(t, "no dispute is left", func() bool {
		proposeAgain(t, host, owner)
		mine, err := owner.book.Disputes(t.Context())
		theirs, other := host.book.Disputes(t.Context())
		return err == nil && other == nil && len(mine)+len(theirs) == 0
	})
	sameBooks(t, owner, host)
}
