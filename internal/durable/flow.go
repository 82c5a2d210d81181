package durable

import (
	"errors"
	"os"
)

// FlowStep is how many bytes of a flow may wait before their writing is
// started: 4 MiB. About three times as many are in the page cache at once.
const FlowStep = 4 << 20

// Flow sees to it that a long file reaches the disk while it is being written,
// and doesn't stay in the page cache behind that: the sync at the end is short,
// memory isn't flooded with bytes that nobody is about to read, and the pages
// that are let go are the ones that the next bytes use, which costs a fraction of
// taking fresh ones from the system. It promises nothing: what must be durable
// must be synced. It belongs to one goroutine. The zero value isn't usable.
type Flow struct {
	file *os.File
	// Bytes before clean are written and let go; those before started are being
	// written. The writing of those before older was started a step earlier: it is
	// what is waited for, so that the wait is short.
	clean, older, started int64
}

// NewFlow makes a flow for a file that is written in order from offset start.
func NewFlow(f *os.File, start int64) *Flow {
	return &Flow{file: f, clean: start, older: start, started: start}
}

// Wrote says that all bytes before end are in the file. An error is one of the
// disk's: the file must be given up.
func (w *Flow) Wrote(end int64) error {
	if end-w.started < FlowStep {
		return nil
	}
	if err := startWriting(w.file, w.started, end-w.started); err != nil {
		return err
	}
	if w.older > w.clean {
		if err := letGo(w.file, w.clean, w.older-w.clean); err != nil {
			return err
		}
	}
	w.clean, w.older, w.started = w.older, w.started, end
	return nil
}

// FlowWriter writes a file in order, and lets it flow to the disk.
type FlowWriter struct {
	flow *Flow
	end  int64
}

// NewFlowWriter makes a writer for an empty file.
func NewFlowWriter(f *os.File) *FlowWriter { return &FlowWriter{flow: NewFlow(f, 0)} }

// Write appends p.
func (w *FlowWriter) Write(p []byte) (int, error) {
	n, err := w.flow.file.WriteAt(p, w.end)
	w.end += int64(n)
	if err == nil {
		err = w.flow.Wrote(w.end)
	}
	return n, err
}

// FlowReader reads a long file in order, and leaves none of it in the page cache:
// it is for bytes that nobody is about to read again. Where the system can, it reads
// past the cache, whose fresh pages cost more than the reading; elsewhere it lets
// the pages behind it go. It belongs to one goroutine.
type FlowReader struct {
	file   *os.File
	direct *direct // nil: by the page cache
	clean  int64   // bytes before it, from where reading began, are let go
	begun  bool
}

// NewFlowReader makes a reader of f, which stays the caller's. It must be closed.
func NewFlowReader(f *os.File) *FlowReader { return &FlowReader{file: f, direct: openDirect(f)} }

// ReadAt reads as *os.File does.
func (r *FlowReader) ReadAt(p []byte, off int64) (int, error) {
	if r.direct != nil {
		n, err := r.direct.readAt(p, off)
		if !errors.Is(err, errors.ErrUnsupported) {
			return n, err
		}
		if err := r.Close(); err != nil {
			return 0, err
		}
	}
	if !r.begun || off < r.clean {
		r.begun, r.clean = true, off
	}
	n, err := r.file.ReadAt(p, off)
	// Up to a round offset: the folio that the next read begins in stays.
	if end := (off + int64(n)) &^ (FlowStep/4 - 1); err == nil && end-r.clean >= FlowStep {
		err = forget(r.file, r.clean, end-r.clean)
		r.clean = end
	}
	return n, err
}

// Close gives up what the reader has beside the file, which it leaves open.
func (r *FlowReader) Close() error {
	d := r.direct
	if r.direct = nil; d == nil {
		return nil
	}
	return d.close()
}
