package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"potluck/files"
)

// Put puts the file at r.Path, or body when that is empty. report may be nil;
// it is called from one goroutine at a time.
func (c *Client) Put(ctx context.Context, r PutRequest, body io.Reader, report func(files.Progress)) (res files.PutResult, err error) {
	if r.Path != "" {
		body = nil
	}
	q, err := http.NewRequestWithContext(ctx, "POST", "http://"+hostName+"/v1/put?"+r.query().Encode(), body)
	if err != nil {
		return res, err
	}
	if body != nil {
		q.Header.Set("Expect", "100-continue") // a refusal comes before the bytes go
	}
	a, err := c.send(ctx, q)
	if err != nil {
		return res, err
	}
	defer a.Body.Close()
	err = stream(ctx, a.Body, &res, reporting(report))
	return res, err
}

func reporting(report func(files.Progress)) func(message) error {
	return func(m message) error {
		if m.Progress != nil && report != nil {
			report(*m.Progress)
		}
		return nil
	}
}

func (r PutRequest) query() url.Values {
	q := url.Values{"host": r.Hosts}
	for key, text := range map[string]string{"path": r.Path, "name": r.Name, "preset": string(r.Preset)} {
		if text != "" {
			q.Set(key, text)
		}
	}
	for key, n := range map[string]int{"k": r.K, "n": r.N, "happy": r.Happy} {
		if n != 0 {
			q.Set(key, strconv.Itoa(n))
		}
	}
	for key, said := range map[string]bool{"random": r.Random, "forget": r.Forget, "explain": r.Explain} {
		if said {
			q.Set(key, "true")
		}
	}
	return q
}

// Get reads a file. With r.Path the node writes it, and dst is not used. Else
// the bytes are written to dst in order; they are the whole of what was asked
// for only if the error is nil. report may be nil; it is called from one
// goroutine.
func (c *Client) Get(ctx context.Context, r GetRequest, dst io.Writer, report func(files.Progress)) (res files.GetResult, err error) {
	b, err := json.Marshal(r)
	if err != nil {
		return res, err
	}
	a, err := c.ask(ctx, "POST", "/v1/get", bytes.NewReader(b))
	if err != nil {
		return res, err
	}
	defer a.Body.Close()
	if r.Path != "" {
		err = stream(ctx, a.Body, &res, reporting(report))
		return res, err
	}
	err = receive(ctx, a.Body, dst, &res, report)
	return res, err
}

// receive reads frames up to the last one.
func receive(ctx context.Context, body io.Reader, dst io.Writer, res *files.GetResult, report func(files.Progress)) error {
	buf := make([]byte, copyLen)
	for {
		letter, n, err := readHead(body)
		if err != nil {
			return transportError(ctx, err)
		}
		if letter == frameData {
			if err := pass(ctx, dst, body, buf, n); err != nil {
				return err
			}
			continue
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(body, text); err != nil {
			return transportError(ctx, err)
		}
		switch letter {
		case frameResult:
			return json.Unmarshal(text, res)
		case frameError:
			e := new(Error)
			if err := json.Unmarshal(text, e); err != nil {
				return fmt.Errorf("the node's error can't be read: %w", err)
			}
			return e
		}
		var p files.Progress
		if err := json.Unmarshal(text, &p); err == nil && report != nil {
			report(p)
		}
	}
}

// pass copies n bytes, and tells whose fault it is when it can't.
func pass(ctx context.Context, dst io.Writer, src io.Reader, buf []byte, n int) error {
	for n > 0 {
		part := buf[:min(n, len(buf))]
		if _, err := io.ReadFull(src, part); err != nil {
			return transportError(ctx, err)
		}
		if _, err := dst.Write(part); err != nil {
			return fmt.Errorf("write what was got: %w", err)
		}
		n -= len(part)
	}
	return nil
}
