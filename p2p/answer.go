package p2p

import (
	"errors"
	"fmt"

	"potluck"
)

// envelope stands around every answer: exactly one of its fields is there.
type envelope struct {
	OK    []byte     `cbor:"1,keyasint,omitempty"` // the answer's own encoding
	Error *wireError `cbor:"2,keyasint,omitempty"`
}

// wireError is an error of the closed table. The numbers are zero and the cures
// empty unless it is a refusal.
type wireError struct {
	Code  uint8        `cbor:"1,keyasint"`
	Asked potluck.Size `cbor:"2,keyasint"`
	Free  potluck.Size `cbor:"3,keyasint"`
	Short potluck.Size `cbor:"4,keyasint"`
	Cures []wireCure   `cbor:"5,keyasint"`
}

// wireCure is one cure of a refusal.
type wireCure struct {
	Kind  uint8        `cbor:"1,keyasint"`
	Bytes potluck.Size `cbor:"2,keyasint"`
}

// Validate tells whether there is an answer or an error of the table.
func (e envelope) Validate() error {
	if (len(e.OK) > 0) == (e.Error != nil) {
		return errors.New("answer: want either a message or an error")
	}
	if e.Error == nil {
		return nil
	}
	_, err := e.Error.open()
	return err
}

// open gives the *potluck.Refusal or *Error that w means; err tells what is
// wrong with w.
func (w wireError) open() (answer, err error) {
	code, ok := codesByNumber[w.Code]
	if !ok {
		return nil, fmt.Errorf("answer: error code %d is not in the table", w.Code)
	}
	if w.Code < firstErrorCode {
		r, err := openRefusal(w)
		return r, err
	}
	if w.Asked != 0 || w.Free != 0 || w.Short != 0 || len(w.Cures) != 0 {
		return nil, fmt.Errorf("answer: error %q with numbers of a refusal", code)
	}
	return &Error{Code: code}, nil
}

// sealError gives the wire form of err: a refusal or an error of the table as
// it is, everything else as internal. known tells which of the two it was.
func sealError(err error) (w wireError, known bool) {
	var r *potluck.Refusal
	if errors.As(err, &r) {
		if r = saturated(r); checkRefusal(r) == nil {
			return sealRefusal(r), true
		}
	}
	var e *Error
	if errors.As(err, &e) && codeNumbers[e.Code] >= firstErrorCode {
		return wireError{Code: codeNumbers[e.Code]}, true
	}
	return wireError{Code: codeNumbers[CodeInternal]}, false
}

// openAnswer reads an envelope and the message in it. The error is the peer's
// answer, or tells what is wrong with the bytes (errProtocol is then in it).
func openAnswer[T message](data []byte) (m T, err error) {
	e, err := decode[envelope](data)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if e.Error != nil {
		answer, err := e.Error.open()
		if err != nil {
			return m, fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		return m, answer
	}
	m, err = decode[T](e.OK)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return m, nil
}

// sealAnswer gives the envelope of a message as a frame, not above ceiling
// (errTooLong).
func sealAnswer(m message, ceiling int) ([]byte, error) {
	ok, err := encode(m)
	if err != nil {
		return nil, err
	}
	data, err := encode(envelope{OK: ok})
	if err != nil {
		return nil, err
	}
	if len(data) > ceiling {
		return nil, fmt.Errorf("%w of %d bytes: answer has %d", errTooLong, ceiling, len(data))
	}
	return appendFrame(nil, data), nil
}
