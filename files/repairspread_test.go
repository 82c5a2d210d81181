package files

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

// Each move takes a share from a place that has several to one that had none, takes
// each number once, and makes the file lie at one place more; there are as many as
// can be, and none goes to who is the last choice.
func TestMovesSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := drawHosts(t, 8)
		homes := make(households)
		for _, h := range hosts {
			if rapid.IntRange(0, 3).Draw(t, "household") == 0 {
				homes[h] = hosts[0]
			}
		}
		n := rapid.IntRange(1, 8).Draw(t, "n")
		standing := firstOf(drawEdges(t, n, hosts, 12))
		v := vacancies{table: table{hosts: hosts, homes: homes, most: make(map[peer.ID]int)}, standing: standing, last: make(map[peer.ID]bool)}
		for _, h := range hosts {
			switch rapid.IntRange(0, 5).Draw(t, "willing") {
			case 0:
				v.most[h] = 0
			case 1:
				v.last[h] = true
			}
		}
		kept := slices.DeleteFunc(slices.Clone(standing), func(edge) bool { return rapid.IntRange(0, 4).Draw(t, "away") == 0 })
		now, load := slices.Clone(standing), make(map[peer.ID]int)
		for _, e := range standing {
			load[homes.of(e.host)]++
		}
		for i, x := range v.moves(n, potluck.StorageIndex{}, kept) {
			from, to := homes.of(x.from), homes.of(x.to)
			at := slices.Index(now, edge{x.number, x.from})
			if at < 0 || !slices.Contains(kept, now[at]) || load[from] < 2 || load[to] != 0 || v.last[x.to] || !slices.Contains(hosts, x.to) {
				t.Fatalf("move %d: %+v of %v, kept %v", i, x, now, kept)
			}
			if limit, limited := v.most[x.to]; limited && limit < 1 {
				t.Fatalf("move %d goes to who takes nothing", i)
			}
			before := homes.happiness(now)
			now[at].host = x.to
			load[from]--
			load[to]++
			if after := homes.happiness(now); after != before+1 {
				t.Fatalf("move %d: %d places after %d", i, after, before)
			}
		}
		idle := slices.DeleteFunc(slices.Clone(hosts), func(h peer.ID) bool {
			limit, limited := v.most[h]
			return load[homes.of(h)] > 0 || v.last[h] || limited && limit < 1
		})
		if len(idle) > 0 && slices.ContainsFunc(kept, func(e edge) bool { return slices.Contains(now, e) && load[homes.of(e.host)] > 1 }) {
			t.Fatalf("%v takes a share, and %v lie together", idle, now)
		}
	})
}
