package p2p

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket reads a connection so that its reader is woken seldom: while it waits
// for many bytes of which it knows that they come, the kernel counts the socket
// as readable only once they are there (the end of the connection wakes it in any
// case). And it tells the scheduler nothing of its calls, which never wait: each
// call of an idle process that it's told of wakes a thread, which watches over
// calls that may wait, for as long as anything runs. One goroutine reads, and one
// at a time writes with writeAll.
type socket struct {
	net.Conn
	raw  syscall.RawConn // nil: not a socket of the machine
	mark int             // from how many bytes on it's readable
	most int             // the highest mark with which it can't come to a halt

	// Of one read.
	into []byte
	want int
	n    int
	err  error

	// Of one write.
	from    []byte
	written int
	failed  error
}

func newSocket(c net.Conn) *socket {
	s := &socket{Conn: c, mark: 1}
	has, ok := c.(syscall.Conn)
	if !ok {
		return s
	}
	raw, err := has.SyscallConn()
	if err != nil || raw.Control(func(fd uintptr) { s.most = highestMark(int(fd)) }) != nil {
		return s // c reads by itself
	}
	s.raw = raw
	return s
}

// highestMark gives the highest mark to use: 1 where the kernel doesn't see to it
// that so many bytes fit into the window of the other side, as those before 4.18.
// A reader that waits for more than that would wait for ever.
func highestMark(fd int) int {
	room := func() int {
		n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			return 0
		}
		return n
	}
	before := room()
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT, gatherMessage) != nil {
		return 1
	}
	after := room()
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1) != nil || after < 2*gatherMessage && (after == before || after < gatherMessage) {
		return 1
	}
	return gatherMessage
}

// readSome reads what is there, or waits for want bytes at least. Fewer may come
// all the same.
func (s *socket) readSome(p []byte, want int) (int, error) {
	if s.raw == nil {
		return s.Conn.Read(p)
	}
	s.into, s.want = p, max(1, min(want, s.most))
	if err := s.raw.Read(s.try); err != nil {
		return 0, err
	}
	return s.n, s.err
}

// try reads without waiting. It tells whether that is to be the answer.
func (s *socket) try(fd uintptr) bool {
	for {
		n, _, no := syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&s.into[0])), uintptr(len(s.into)))
		switch {
		case no == unix.EINTR:
		case no == unix.EAGAIN:
			s.setMark(fd)
			return false
		case no != 0:
			s.n, s.err = 0, os.NewSyscallError("read", no)
			return true
		case n == 0:
			s.n, s.err = 0, io.EOF
			return true
		default:
			s.n, s.err = int(n), nil
			return true
		}
	}
}

// setMark makes the socket readable from s.want bytes on. If they came since
// it was read, the kernel says so again.
func (s *socket) setMark(fd uintptr) {
	if s.want == s.mark {
		return
	}
	value := int32(s.want)
	if _, _, no := syscall.RawSyscall6(unix.SYS_SETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT,
		uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0); no == 0 {
		s.mark = s.want
	}
}

// writeAll writes p, with the same kind of calls.
func (s *socket) writeAll(p []byte) (int, error) {
	if s.raw == nil || len(p) == 0 {
		return s.Conn.Write(p)
	}
	s.from, s.written, s.failed = p, 0, nil
	if err := s.raw.Write(s.put); err != nil {
		return s.written, err
	}
	return s.written, s.failed
}

// put writes without waiting. It tells whether no more is to be done.
func (s *socket) put(fd uintptr) bool {
	for s.written < len(s.from) {
		rest := s.from[s.written:]
		n, _, no := syscall.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&rest[0])), uintptr(len(rest)))
		switch {
		case no == unix.EINTR:
		case no == unix.EAGAIN:
			return false
		case no != 0:
			s.failed = os.NewSyscallError("write", no)
			return true
		default:
			s.written += int(n)
		}
	}
	return true
}
