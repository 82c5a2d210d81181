package durable_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"potluck/internal/durable"
)

func TestFlowWriterWritesWhatItIsGiven(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "long"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := durable.NewFlowWriter(f)
	var want bytes.Buffer
	for i := range 3*durable.FlowStep/100_000 + 5 {
		piece := bytes.Repeat([]byte{byte(i)}, 100_000+i)
		want.Write(piece)
		if n, err := w.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	again := make([]byte, want.Len())
	r := durable.NewFlowReader(f)
	defer r.Close()
	if n, err := io.ReadFull(io.NewSectionReader(r, 0, int64(want.Len())), again); err != nil || !bytes.Equal(again, want.Bytes()) {
		t.Fatalf("read %d bytes again: %v", n, err)
	}
	if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%d bytes, %v; want %d", len(got), err, want.Len())
	}
}

func TestFlowTellsOfAClosedFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "closed"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := durable.NewFlowWriter(f).Write(make([]byte, durable.FlowStep)); err == nil {
		t.Error("a closed file took bytes")
	}
}

func BenchmarkFlowWriter(b *testing.B) {
	piece := make([]byte, 256<<10)
	b.SetBytes(64 << 20)
	for b.Loop() {
		f, err := os.Create(filepath.Join(b.TempDir(), "long"))
		if err != nil {
			b.Fatal(err)
		}
		w := durable.NewFlowWriter(f)
		for range 64 << 20 / len(piece) {
			if _, err := w.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
