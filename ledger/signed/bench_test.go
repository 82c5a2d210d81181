package signed

import (
	"fmt"
	"testing"

	"potluck"
)

// benchOrder has n pointers that name their hosts.
func benchOrder(n int) Order {
	o := sampleOrder()
	o.Pointers, o.Declined = nil, nil
	for _, p := range ids(n) {
		o.Pointers = append(o.Pointers, Pointer{To: id(9), Host: p, Limit: potluck.GiB, SharePPM: NoShare, Since: noon})
	}
	return o
}

func benchContents() map[string]content {
	return map[string]content{"order-3": sampleOrder(), "order-256": benchOrder(MaxPointers), "repay": sampleRepay(),
		"consent": sampleConsent(), "household": sampleHousehold(), "statement": sampleStatement()}
}

func BenchmarkSeal(b *testing.B) {
	for name, c := range benchContents() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			k := key(1)
			for b.Loop() {
				if _, err := sealAny(k, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for name, c := range benchContents() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			sealed := must(sealAny(key(1), c))
			for b.Loop() {
				if _, err := openers[c.kind()](sealed); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(sealed)), "bytes/document")
		})
	}
}

// BenchmarkSignature is the part of sealing and opening that is the curve's.
func BenchmarkSignature(b *testing.B) {
	k, message := key(1), make([]byte, 300)
	signature := must(k.Sign(message))
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			_ = must(k.Sign(message))
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if ok, err := k.GetPublic().Verify(message, signature); !ok || err != nil {
				b.Fatal(fmt.Errorf("%v, %w", ok, err))
			}
		}
	})
}
