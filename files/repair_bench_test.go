package files_test

import (
	"testing"

	"potluck"
	"potluck/files"
	"potluck/shares"
)

// BenchmarkRepair brings one lost share of a 3-of-10 file back, over real
// streams; the rate is bytes moved, of which k parts are read and one is sent.
func BenchmarkRepair(b *testing.B) {
	c := newCircle(b, 10)
	r := c.put(content(96<<20), files.PutOptions{K: 3, N: 10})
	cp := mustParse(b, r.Cap)
	id := potluck.ShareID{Index: r.Index, Number: 7}
	b.SetBytes(int64(3*shares.DataLen(r.Layout) + shares.SentLen(r.Layout)))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for _, h := range c.hosts {
			h.mu.Lock()
			if _, held := h.leases[id]; held {
				_ = h.store.Delete(b.Context(), id)
				delete(h.leases, id)
			}
			h.mu.Unlock()
		}
		b.StartTimer()
		if done := c.repair(cp, files.RepairOptions{}); len(done.Placed) != 1 {
			b.Fatalf("%+v", done)
		}
	}
}
