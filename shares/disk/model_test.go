package disk

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"

	"potluck"
)

// model is a file system in memory that knows what a power cut may take: the
// bytes of a file since its last sync, and the names in a directory since that
// directory's. Every operation first asks fail.
type model struct {
	fail func(op string) error // op is the name of a method

	live    map[string]*node
	durable map[string]*node // names as of the last syncs of their directories
}

type node struct {
	dir          bool
	live, synced []byte
}

func newModel() *model {
	m := &model{
		fail:    func(string) error { return nil },
		live:    map[string]*node{incomingDir: {dir: true}, damagedDir: {dir: true}},
		durable: map[string]*node{},
	}
	for first := range 256 {
		m.live[shard(byte(first))] = &node{dir: true}
	}
	m.sync(".")
	return m
}

// sync makes the names in a directory durable.
func (m *model) sync(dir string) {
	for name := range m.durable {
		if path.Dir(name) == dir && m.live[name] != m.durable[name] {
			delete(m.durable, name)
		}
	}
	for name, n := range m.live {
		if path.Dir(name) == dir {
			m.durable[name] = n
		}
	}
}

// crash gives what there is after a power cut. pick draws a number below n: of
// the names and bytes that weren't synced any may be there or not.
func (m *model) crash(pick func(n int) int) *model {
	after := newModel()
	names := map[string]bool{}
	for _, of := range []map[string]*node{m.live, m.durable} {
		for name := range of {
			names[name] = true
		}
	}
	for name := range names {
		n, was := m.live[name], m.durable[name]
		if n != was && pick(2) == 0 {
			n = was
		}
		if n != nil && n.dir {
			after.live[name] = &node{dir: true}
		} else if n != nil {
			b := n.survivors(pick)
			after.live[name] = &node{live: b, synced: bytes.Clone(b)}
		}
	}
	for name := range after.live { // what lies in a lost directory is lost
		if d := path.Dir(name); d != "." && after.live[d] == nil {
			delete(after.live, name)
		}
	}
	for name, n := range after.live {
		after.durable[name] = n
	}
	return after
}

// survivors gives the file's bytes after a power cut: each run of 50 bytes is
// old or new (beyond the old length: zero or new), and the length is one of
// those since the sync.
func (n *node) survivors(pick func(n int) int) []byte {
	if bytes.Equal(n.live, n.synced) {
		return bytes.Clone(n.live)
	}
	low, high := min(len(n.synced), len(n.live)), max(len(n.synced), len(n.live))
	b := make([]byte, low+pick(high-low+1))
	for at := 0; at < len(b); at += 50 {
		from := [][]byte{n.synced, n.live}[pick(2)]
		copy(b[at:min(at+50, len(b))], from[min(at, len(from)):])
	}
	return b
}

func (m *model) create(name string) (file, error) {
	if err := m.fail("create"); err != nil {
		return nil, err
	}
	if m.live[name] != nil {
		return nil, fs.ErrExist
	}
	m.live[name] = &node{}
	return &handle{m, m.live[name]}, nil
}

func (m *model) open(name string, _ bool) (file, error) {
	if err := m.fail("open"); err != nil {
		return nil, err
	}
	if m.live[name] == nil {
		return nil, fs.ErrNotExist
	}
	return &handle{m, m.live[name]}, nil
}

func (m *model) exists(name string) (bool, error) { return m.live[name] != nil, m.fail("exists") }

func (m *model) rename(from, to string) error {
	if err := m.fail("rename"); err != nil {
		return err
	}
	if m.live[from] == nil || m.live[path.Dir(to)] == nil {
		return fs.ErrNotExist
	}
	m.live[to] = m.live[from]
	delete(m.live, from)
	return nil
}

func (m *model) remove(name string) error {
	if err := m.fail("remove"); err != nil {
		return err
	}
	if m.live[name] == nil {
		return fs.ErrNotExist
	}
	delete(m.live, name)
	return nil
}

func (m *model) list(name string) ([]string, error) {
	if err := m.fail("list"); err != nil {
		return nil, err
	}
	if m.live[name] == nil {
		return nil, fs.ErrNotExist
	}
	var names []string
	for n, node := range m.live {
		if strings.HasPrefix(n, name+"/") && !node.dir {
			names = append(names, path.Base(n))
		}
	}
	return names, nil
}

func (m *model) syncDir(name string) error {
	if err := m.fail("syncDir"); err != nil {
		return err
	}
	m.sync(name)
	return nil
}

func (m *model) room() (potluck.Size, error) { return potluck.GiB, nil }
func (m *model) close() error                { return nil }

// handle is an open file of the model.
type handle struct {
	m *model
	n *node
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.m.fail("read"); err != nil {
		return 0, err
	}
	if off >= int64(len(h.n.live)) {
		return 0, io.EOF
	}
	n := copy(p, h.n.live[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	if err := h.m.fail("write"); err != nil {
		half := len(p) / 2 // what fails may have been done in part
		h.put(p[:half], off)
		return half, err
	}
	h.put(p, off)
	return len(p), nil
}

func (h *handle) put(p []byte, off int64) {
	if grow := int(off) + len(p) - len(h.n.live); grow > 0 {
		h.n.live = append(h.n.live, make([]byte, grow)...)
	}
	copy(h.n.live[off:], p)
}

func (h *handle) Close() error                { return h.m.fail("close") }
func (h *handle) size() (potluck.Size, error) { return potluck.Size(len(h.n.live)), h.m.fail("size") }

func (h *handle) truncate(size potluck.Size) error {
	if err := h.m.fail("truncate"); err != nil {
		return err
	}
	h.n.live = h.n.live[:size]
	return nil
}

// keptOpen is a file whose passages end before it does.
type keptOpen struct{ *handle }

func (keptOpen) Close() error { return nil }

func (h *handle) passing() passage         { return keptOpen{h} }
func (h *handle) wrote(potluck.Size) error { return h.m.fail("wrote") }

func (h *handle) sync() error {
	if err := h.m.fail("sync"); err != nil {
		return err
	}
	h.n.synced = bytes.Clone(h.n.live)
	return nil
}
