package p2p

import (
	"encoding/binary"
	"fmt"
	"io"
)

// frameStep is the most memory that is taken for a message ahead of its bytes.
const frameStep = 64 << 10

// appendFrame appends the length of msg as an unsigned varint, then msg.
func appendFrame(dst, msg []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(msg))), msg...)
}

// readFrame reads one length and as many bytes. The length is refused before
// anything is allocated for it, and the buffer grows by at most frameStep ahead
// of the bytes that came. step is called before each read of at most frameStep
// bytes. An empty stream is io.EOF, a cut one io.ErrUnexpectedEOF.
func readFrame(r io.Reader, ceiling int, step func() error) ([]byte, error) {
	if err := step(); err != nil {
		return nil, err
	}
	n, err := readLength(r, ceiling)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 0, min(n, frameStep))
	for len(buf) < n {
		have := len(buf)
		part := min(n-have, frameStep)
		buf = append(buf, make([]byte, part)...)
		if err := step(); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(r, buf[have:]); err != nil {
			return nil, cut(err)
		}
	}
	return buf, nil
}

// readLength reads an unsigned varint in its shortest form, not above ceiling.
func readLength(r io.Reader, ceiling int) (int, error) {
	var n uint64
	var b [1]byte
	for i := 0; ; i++ {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			if i == 0 {
				return 0, err
			}
			return 0, cut(err)
		}
		n |= uint64(b[0]&0x7f) << (7 * i)
		switch {
		case n > uint64(ceiling) || i == 4 && b[0] >= 0x80:
			return 0, fmt.Errorf("%w of %d bytes", errTooLong, ceiling)
		case b[0] == 0 && i > 0:
			return 0, fmt.Errorf("%w: length not in its shortest form", errEncoding)
		case b[0] < 0x80:
			return int(n), nil
		}
	}
}

// cut turns the end of a stream in the middle of something into its own error.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
