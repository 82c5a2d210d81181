package api

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A frame is one letter, the length of what follows as four bytes, most
// significant first, and what follows: a stream of frames ends with a result
// or an error, so that one that was cut is never taken for a whole.
const (
	frameData     = 'd' // bytes of the file
	frameProgress = 'p' // files.Progress as JSON
	frameResult   = 'r' // files.GetResult as JSON; the last frame
	frameError    = 'e' // Error as JSON; the last frame

	frameHead = 5
	maxFrame  = 1 << 20 // bytes of what follows
)

// writeFrame writes one frame of at most maxFrame bytes.
func writeFrame(w io.Writer, letter byte, b []byte) error {
	head := [frameHead]byte{letter}
	binary.BigEndian.PutUint32(head[1:], uint32(len(b)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// readHead reads the head of a frame. The end of the stream is ErrCut: a
// reader stops at the last frame.
func readHead(r io.Reader) (letter byte, n int, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrCut, err)
	}
	n = int(binary.BigEndian.Uint32(head[1:]))
	switch head[0] {
	case frameData, frameProgress, frameResult, frameError:
	default:
		return 0, 0, fmt.Errorf("the node's answer has a frame %q, which is not known", head[0])
	}
	if n > maxFrame {
		return 0, 0, fmt.Errorf("the node's answer has a frame of %d bytes, at most %d are allowed", n, maxFrame)
	}
	return head[0], n, nil
}
