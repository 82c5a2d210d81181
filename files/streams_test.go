package files_test

import (
	"sync"
	"testing"

	"potluck/files"
)

// TestManySharesAtOneHost: more shares of one file lie at one host than it serves
// requests of one peer at once, and still none stays behind.
func TestManySharesAtOneHost(t *testing.T) {
	c := newCircle(t, 2)
	data := content(3_000_000)
	r := c.put(data, files.PutOptions{K: 20, N: 200, Happy: 2})
	if r.Behind != 0 || len(r.Placed) != 200 || r.Sent != 200*150_000 {
		t.Errorf("placed %d shares, %d stay behind, %d bytes sent", len(r.Placed), r.Behind, r.Sent)
	}
	c.mustGet(r.Cap, data)
}

// TestManySharesOfTwoFilesAtOneHost: two puts at once share what the host serves.
func TestManySharesOfTwoFilesAtOneHost(t *testing.T) {
	c := newCircle(t, 1)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			r := c.put(content(1_500_000+i), files.PutOptions{K: 10, N: 90, Happy: 1})
			if r.Behind != 0 || len(r.Placed) != 90 {
				t.Errorf("file %d: placed %d shares, %d stay behind", i, len(r.Placed), r.Behind)
			}
		})
	}
	wg.Wait()
}

// TestReadOfManySharesAtOneHost: a read needs more shares of one host than it
// serves at once, and more blocks of each than lanes may be ahead.
func TestReadOfManySharesAtOneHost(t *testing.T) {
	c := newCircle(t, 1)
	data := content(50_000_000)
	r := c.put(data, files.PutOptions{K: 80, N: 90, Happy: 1})
	c.mustGet(r.Cap, data)
}
