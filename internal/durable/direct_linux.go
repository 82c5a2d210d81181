package durable

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	directStep  = 1 << 20 // bytes of one read
	directAlign = 4096    // of memory, offsets and lengths; no common disk wants more
)

// direct reads a file past the page cache, one step ahead of who reads it.
type direct struct {
	file  *os.File
	now   block
	spare []byte     // room for the next block, while none is being read
	ahead chan block // brings the block that is being read; nil: none is
}

// block is a piece of a file.
type block struct {
	buf  []byte
	at   int64 // its offset
	have int
	err  error
}

func (b block) has(off int64) bool { return off >= b.at && off < b.at+int64(b.have) }

// openDirect opens a file once more; nil where that can't be.
func openDirect(f *os.File) *direct {
	var again *os.File
	err := control(f, "open directly", func(fd int) (err error) {
		again, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|unix.O_DIRECT, 0)
		return err
	})
	if err != nil || again == nil {
		return nil
	}
	// The runtime gives so much memory in whole pages. If it ever didn't, the first
	// read would say so, and the cache would be used.
	return &direct{file: again, now: block{buf: make([]byte, directStep)}, spare: make([]byte, directStep)}
}

// readAt reads as *os.File does. errors.ErrUnsupported: the file system doesn't
// read so, and nothing was read.
func (d *direct) readAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		if !d.now.has(off) {
			d.turnTo(off &^ (directAlign - 1))
			if err := d.now.err; err != nil {
				if n == 0 && errors.Is(err, unix.EINVAL) {
					err = errors.ErrUnsupported
				}
				return n, err
			}
			if !d.now.has(off) {
				return n, io.EOF
			}
		}
		m := copy(p[n:], d.now.buf[off-d.now.at:d.now.have])
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// turnTo takes the block at an aligned offset, and begins to read the one after it.
func (d *direct) turnTo(at int64) {
	next := d.wait()
	if next.buf != nil && next.err == nil && next.at == at {
		d.now, d.spare = next, d.now.buf
	} else {
		if next.buf != nil {
			d.spare = next.buf
		}
		d.now = read(d.file, d.now.buf, at)
	}
	if d.now.err != nil || d.now.have < directStep {
		return // it is the last one
	}
	buf, ahead := d.spare, make(chan block, 1)
	d.spare, d.ahead = nil, ahead
	go func() { ahead <- read(d.file, buf, at+directStep) }() // ends with the read
}

// wait takes the block that is being read, if one is.
func (d *direct) wait() (b block) {
	if d.ahead != nil {
		b = <-d.ahead
		d.ahead = nil
	}
	return b
}

// read fills buf from an aligned offset: less of it at the end of the file.
func read(f *os.File, buf []byte, at int64) block {
	b := block{buf: buf, at: at}
	conn, err := f.SyscallConn()
	if err == nil {
		var failed error
		err = conn.Read(func(fd uintptr) bool {
			for b.have, failed = unix.Pread(int(fd), buf, at); failed == unix.EINTR; b.have, failed = unix.Pread(int(fd), buf, at) {
			}
			return true
		})
		err = errors.Join(err, failed)
	}
	if err != nil {
		b.have, b.err = 0, &os.PathError{Op: "read", Path: f.Name(), Err: err}
	}
	return b
}

func (d *direct) close() error {
	d.wait()
	return d.file.Close()
}
