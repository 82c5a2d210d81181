package files

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// BenchmarkDecide is what placement costs each file: the quotes that are known
// already, and the assignment.
func BenchmarkDecide(b *testing.B) {
	for _, hosts := range []int{10, 150} {
		b.Run(fmt.Sprint(hosts, "hosts"), func(b *testing.B) {
			c := New(Config{Clock: time.Now})
			defer c.Close()
			known := newPeers(nil)
			p := &put{client: c, known: known, charge: potluck.MiB, start: time.Now(), choice: Choice{K: 3, N: 10, Happy: 8}}
			for i := range hosts {
				h := peer.ID(fmt.Sprintf("a host with an ID of so many bytes %d", i))
				answer := make(chan struct{})
				close(answer)
				c.quotes.of[h] = &quote{asked: time.Now().Add(time.Hour), answer: answer, known: true, free: potluck.GiB}
				p.all = append(p.all, h)
			}
			b.ReportAllocs()
			for i := range b.N {
				p.index = potluck.StorageIndex{byte(i), byte(i >> 8)}
				if err := p.afford(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
				if placed := p.assign(nil); placed[9] == "" {
					b.Fatal("no host")
				}
			}
		})
	}
}
