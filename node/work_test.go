package node

import (
	"testing"

	"potluck/files"
)

// What runs is told with its progress, in order, until it ends.
func TestWorks(t *testing.T) {
	var w works
	heard := 0
	first, endFirst := w.begin(Work{Kind: WorkPut, Name: "a"}, func(files.Progress) { heard++ })
	second, endSecond := w.begin(Work{Kind: WorkRepair}, nil)
	first(files.Progress{Stage: "sending", Done: 5, Total: 20})
	second(files.Progress{Stage: "reading", Done: 9, Total: 0})
	all := w.list()
	if len(all) != 2 || all[0].Name != "a" || all[0].Part != 0.25 || all[0].Stage != "sending" || all[1].Kind != WorkRepair || all[1].Part != 0 || heard != 1 {
		t.Errorf("%+v, told %d times", all, heard)
	}
	endFirst()
	endSecond()
	second(files.Progress{Stage: "reading", Done: 10}) // from a goroutine that is late
	if all := w.list(); len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
}
