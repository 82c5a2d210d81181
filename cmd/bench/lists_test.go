package main

import (
	"io"
	"path/filepath"
	"testing"
)

// BenchmarkLists reads every list of the local API, of books of a million shares
// held and a million placements; with -short of 20,000 each.
func BenchmarkLists(b *testing.B) {
	rows := 1_000_000
	if testing.Short() {
		rows = 20_000
	}
	f, err := fillBooks(b.Context(), filepath.Join(b.TempDir(), "lists"), rows)
	if err != nil {
		b.Fatal(err)
	}
	n, err := f.open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	bench := &bench{out: newPrinter(io.Discard, false)}
	err = bench.onSocket(b.Context(), n, func(a *asker) error {
		for _, c := range listCalls(f) {
			b.Run(c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					for _, path := range c.paths {
						if _, err := a.get(b.Context(), path); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
