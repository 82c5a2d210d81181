package api

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"potluck/files"
)

// TestHealthAndRepair: check, lose, check again, repair; a friend gets leave.
func TestHealthAndRepair(t *testing.T) {
	all := friends(t, "alice", "bob", "carol", "dave")
	alice, bob := all[0], all[1]
	res, err := alice.Put(t.Context(), PutRequest{Name: "x", K: 1, N: 3}, bytes.NewReader(random(t, 100<<10)), nil)
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]bool{}
	h, err := alice.Health(t.Context(), HealthRequest{Cap: res.Cap, Verify: true}, func(p files.Progress) { stages[p.Stage] = true })
	if err != nil || h.Whole != 1 || len(h.Files) != 1 || h.Files[0].Good != 3 || h.Files[0].Now.Survives != 2 || !stages["reading"] {
		t.Fatalf("check: %+v, %v; stages %v", h, err, stages)
	}
	if h, err = bob.Health(t.Context(), HealthRequest{}, nil); err != nil || len(h.Files) != 0 || h.Files == nil {
		t.Fatalf("check of nothing: %+v, %v", h, err)
	}
	if _, err := bob.Evict(t.Context(), "alice", false); err != nil {
		t.Fatal(err)
	}
	if h, err = alice.Health(t.Context(), HealthRequest{}, nil); err != nil {
		t.Fatalf("check after an eviction: %v", err)
	}
	dry, err := alice.Repair(t.Context(), RepairRequest{Cap: res.Cap, DryRun: true}, nil)
	if err != nil || len(dry.Files) != 1 || !dry.DryRun || dry.Budget <= 0 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	done, err := alice.Repair(t.Context(), RepairRequest{}, nil)
	if err != nil || len(done.Files) != 1 || done.Files[0].Left != 0 || len(done.Failed) != 0 {
		t.Fatalf("repair: %+v, %v", done, err)
	}
	if h, err = alice.Health(t.Context(), HealthRequest{Cap: res.Cap, Verify: true}, nil); err != nil || h.Whole != 1 {
		t.Fatalf("check after the repair: %+v, %v", h, err)
	}
	v, err := alice.Authorize(t.Context(), "bob", AuthorizeRequest{Cap: res.Cap, Seconds: 3600})
	if err != nil || v.Index != res.Index || v.RepairerName != "bob" || v.OwnerName != "you" {
		t.Fatalf("authorize: %+v, %v", v, err)
	}
	if list, err := bob.Authorities(t.Context()); err != nil || len(list) != 1 || list[0].OwnerName != "alice" || list[0].Expires != v.Expires {
		t.Fatalf("authorities: %+v, %v", list, err)
	}
	for _, c := range []string{res.Cap, ""} {
		if v, err := alice.Authorize(t.Context(), "bob", AuthorizeRequest{Cap: c, Revoke: true}); err != nil || v.RepairerName != "bob" || (c != "") != (v.Index == res.Index) {
			t.Fatalf("take back %q: %+v, %v", c, v, err)
		}
	}
	_, err = alice.Authorize(t.Context(), "bob", AuthorizeRequest{Cap: "x", Revoke: true})
	wantKind(t, "take back what is no cap", err, KindUsage)
	_, err = alice.Authorize(t.Context(), "bob", AuthorizeRequest{Cap: res.Cap, Seconds: 91 * 24 * 3600})
	wantKind(t, "leave for 91 days", err, KindUsage)
	if !strings.Contains(err.Error(), "91 days") || strings.Contains(err.Error(), "seconds") {
		t.Errorf("91 days are refused with %q", err)
	}
	_, err = bob.Authorize(t.Context(), "alice", AuthorizeRequest{Cap: res.Cap, Seconds: 3600})
	wantKind(t, "leave for another's file", err, KindNotFound)
	_, err = alice.Authorize(t.Context(), "nobody", AuthorizeRequest{Cap: res.Cap, Seconds: 3600})
	wantKind(t, "leave for nobody", err, KindNotFound)
	_, err = alice.Health(t.Context(), HealthRequest{Cap: "potluck1r"}, nil)
	wantKind(t, "check of no cap", err, KindUsage)
	small, err := alice.Put(t.Context(), PutRequest{Name: "y"}, bytes.NewReader([]byte("y")), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = alice.Repair(t.Context(), RepairRequest{Cap: small.Cap}, nil)
	wantKind(t, "repair of a literal", err, KindUsage)
	all[3].stop()
	if _, err := all[3].Health(t.Context(), HealthRequest{}, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("check without a node: %v", err)
	}
}
