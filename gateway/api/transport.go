package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
	"time"
)

// newTransport speaks HTTP over the socket of a data directory.
func newTransport(dataDir string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			path, err := SocketPath(dataDir)
			if err != nil {
				return nil, err
			}
			conn, err := d.DialContext(ctx, "unix", path)
			if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
				return nil, fmt.Errorf("%s: %w", dataDir, ErrNotRunning)
			}
			return conn, err
		},
		DisableCompression:    true,
		MaxIdleConns:          16,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       time.Minute,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       copyLen,
		ReadBufferSize:        copyLen,
	}
}

// ask makes one request. The answer's status is 200, or the error tells why
// not; the caller closes its body.
func (c *Client) ask(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+hostName+path, body)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, r)
}

// send makes a request that is ready.
func (c *Client) send(ctx context.Context, r *http.Request) (*http.Response, error) {
	a, err := c.http.Do(r)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	if a.StatusCode == http.StatusOK {
		return a, nil
	}
	defer a.Body.Close()
	var m message
	if err := json.NewDecoder(io.LimitReader(a.Body, maxFrame)).Decode(&m); err != nil || m.Error == nil {
		return nil, fmt.Errorf("the node answered with status %q and no reason", a.Status)
	}
	return nil, m.Error
}

// transportError is what a caller wants to know of a failed exchange: its own
// context's end, that there is no node, or that the node went away.
func transportError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrNotRunning):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return fmt.Errorf("speak to the node: %w", err)
}

// call makes a request with a JSON body, or none when it is nil, and decodes
// the answer.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var answer T
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer, err
		}
		r = bytes.NewReader(b)
	}
	a, err := c.ask(ctx, method, path, r)
	if err != nil {
		return answer, err
	}
	defer a.Body.Close()
	if err := json.NewDecoder(a.Body).Decode(&answer); err != nil {
		return answer, transportError(ctx, err)
	}
	return answer, nil
}

// stream reads an NDJSON stream to its result.
func stream(ctx context.Context, body io.Reader, into any, each func(message) error) error {
	d := json.NewDecoder(body)
	for {
		var m message
		if err := d.Decode(&m); err != nil {
			return transportError(ctx, err)
		}
		switch {
		case m.Error != nil:
			return m.Error
		case m.Result != nil:
			return json.Unmarshal(m.Result, into)
		}
		if err := each(m); err != nil {
			return err
		}
	}
}
