package ledger

import (
	"testing"

	"potluck"
	"potluck/ledger/signed"
)

// What an owner signed under one number counts as its least, in whatever order it
// came, also when a higher number of the owner settled it.
func TestStatementsOfOneNumberInEveryOrder(t *testing.T) {
	at := newClock().now().Unix()
	var papers []*paper
	for _, d := range []signed.Document{
		statement(personP, personK, 4, at, 90, personP, personK),
		statement(personP, personK, 4, at, 30, personP, personK),
		statement(personP, personK, 4, at, 30, personK),
		statement(personP, personK, 5, at, 60, personK),
	} {
		p, err := openPaper(d)
		if err != nil {
			t.Fatal(err)
		}
		papers = append(papers, p)
	}
	var try func(e *entry, left []int, order []int)
	try = func(e *entry, left []int, order []int) {
		for i, x := range left {
			next, _, _ := e.take(papers[x])
			if next == nil {
				next = e
			}
			var rest []int
			rest = append(append(rest, left[:i]...), left[i+1:]...)
			try(next, rest, append(order, x))
		}
		if got := e.bytes(at); len(left) == 0 && got != 30*potluck.Size(1) {
			t.Errorf("in the order %v it counts %d, want 30", order, got)
		}
	}
	try(&entry{key: papers[0].key()}, []int{0, 1, 2, 3}, nil)
}
