package p2p

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// writeUntil writes zeros until an error comes or n bytes are sent.
func writeUntil(w *Writer, n int) error {
	buf := make([]byte, 64<<10)
	for ; n > 0; n -= len(buf) {
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

func TestEarlyErrorStopsTheSender(t *testing.T) {
	const size = 256 << 20 // far more than any window
	eachTransport(t, func(t *testing.T, transport string) {
		for name, before := range map[string]int{"at once": 0, "in the middle": 300 << 10} {
			t.Run(name, func(t *testing.T) {
				client, server := pair(t, transport, Limits{}, &cupboard{
					write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
						_, err := io.CopyN(io.Discard, body, int64(before))
						return WriteResponse{}, errors.Join(err, fullRefusal)
					},
				})
				w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: size})
				if err != nil {
					t.Fatal(err)
				}
				same(t, writeUntil(w, size), error(fullRefusal))
				if _, err := w.Write([]byte{1}); err == nil {
					t.Error("a write after the error was taken")
				}
				if _, err := w.Finish(t.Context()); err == nil {
					t.Error("finish after the error worked")
				}
			})
		}
	})
}

func TestErrorAfterTheBody(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			_, err := io.Copy(io.Discard, body)
			return WriteResponse{}, errors.Join(err, &Error{Code: CodeConflict})
		},
	})
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 100})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Finish(t.Context())
	same(t, err, &Error{Code: CodeConflict})
}

func TestKeeperThatNeedsNoBody(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		write: func(context.Context, peer.ID, WriteRequest, io.Reader) (WriteResponse, error) {
			return WriteResponse{Receipt: []byte("had it")}, nil
		},
	})
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeUntil(w, 1<<20); err != nil {
		t.Fatal(err)
	}
	answer, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, answer.Receipt, []byte("had it"))
}

func TestWriterHoldsToTheAnnouncedLength(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			_, err := io.Copy(io.Discard, body)
			if err == nil {
				t.Error("the keeper took a part for the whole")
			}
			return WriteResponse{}, err
		},
	})
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 100})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 101)); err == nil {
		t.Error("a byte too many was taken")
	}
	w, err = client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 100})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 99)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context()); err == nil {
		t.Error("finish with a byte missing worked")
	}
}

func TestEndOfContextBreaksWrite(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		seen := make(chan error, 1)
		client, server := pair(t, transport, Limits{}, &cupboard{
			write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
				_, err := io.Copy(io.Discard, body)
				seen <- err
				return WriteResponse{}, err
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		w, err := client.Write(ctx, server.ID(), WriteRequest{Layout: layout, Length: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		if err := writeUntil(w, 1<<20); err != nil {
			t.Fatal(err)
		}
		cancel()
		eventually(t, "the write fails", func() bool { _, err = w.Write(make([]byte, 1)); return err != nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := <-seen; err == nil || err == io.EOF {
			t.Errorf("the keeper saw %v", err)
		}
	})
}

func TestStalledHostTimesOut(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	hang := func() { <-release }
	client, server := pair(t, "tcp", shortLimits, &cupboard{
		write: func(context.Context, peer.ID, WriteRequest, io.Reader) (WriteResponse, error) {
			hang()
			return WriteResponse{}, nil
		},
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) {
			hang()
			return QuoteResponse{}, nil
		},
		read: func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
			return 10, func(_ context.Context, w io.Writer) error { _, err := w.Write(make([]byte, 5)); hang(); return err }, nil
		},
	})
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeUntil(w, 256<<20); !errors.Is(err, ErrTimeout) {
		t.Errorf("write: %v", err)
	}
	w, err = client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Errorf("finish: %v", err)
	}
	if _, err := client.Quote(t.Context(), server.ID(), QuoteRequest{}); !errors.Is(err, ErrTimeout) {
		t.Errorf("quote: %v", err)
	}
	if got, err := readAll(t, client, server, ReadRequest{Part: PartData, Length: 10}); !errors.Is(err, ErrTimeout) {
		t.Errorf("read: %d bytes, %v", len(got), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := client.Quote(ctx, server.ID(), QuoteRequest{}); !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("quote with a short context: %v", err)
	}
}

// TestReadNeverGivesAPartForTheWhole lets a keeper fail in each way it can.
func TestReadNeverGivesAPartForTheWhole(t *testing.T) {
	data := random(1 << 20)
	sends := map[string]func(w io.Writer) error{
		"error after all bytes": func(w io.Writer) error { _, err := w.Write(data); return errors.Join(err, errors.New("late")) },
		"error in the middle":   func(w io.Writer) error { _, _ = w.Write(data[:1<<19]); return errors.New("disk") },
		"too little":            func(w io.Writer) error { _, err := w.Write(data[1:]); return err },
		"too much":              func(w io.Writer) error { _, _ = w.Write(data); _, _ = w.Write(data); return nil },
		"too much at once":      func(w io.Writer) error { _, _ = io.Copy(w, bytes.NewReader(append(data, 1))); return nil },
		"nothing":               func(io.Writer) error { return nil },
		"typed error":           func(io.Writer) error { return &Error{Code: CodeDamaged} },
	}
	eachTransport(t, func(t *testing.T, transport string) {
		var send shared[func(w io.Writer) error]
		client, server := pair(t, transport, Limits{}, &cupboard{
			read: func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
				return potluck.Size(len(data)), func(_ context.Context, w io.Writer) error { return send.get()(w) }, nil
			},
		})
		for name, s := range sends {
			send.set(s)
			got, err := readAll(t, client, server, ReadRequest{Part: PartData})
			if err == nil || len(got) > len(data) {
				t.Errorf("%s: %d bytes and %v", name, len(got), err)
			}
			// The stream itself says so, too: it doesn't just end.
			if raw, err := rawAnswer(t, client, server, exchangeRead, golden(t, ReadRequest{Part: PartData})); err == nil {
				t.Errorf("%s: the stream ended well after %d bytes", name, len(raw))
			}
		}
	})
}

func TestReadRefusals(t *testing.T) {
	called := make(chan error, 1)
	length := shared[potluck.Size]{v: -1}
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		read: func(_ context.Context, _ peer.ID, r ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
			if r.Part == PartManifest {
				return 0, nil, &Error{Code: CodeNotFound}
			}
			return length.get(), func(ctx context.Context, _ io.Writer) error { called <- ctx.Err(); return nil }, nil
		},
	})
	_, err := readAll(t, client, server, ReadRequest{Part: PartManifest})
	same(t, err, &Error{Code: CodeNotFound})
	_, err = readAll(t, client, server, ReadRequest{Part: PartData})
	same(t, err, &Error{Code: CodeInternal})
	same(t, <-called, context.Canceled)
	length.set(0)
	if got, err := readAll(t, client, server, ReadRequest{Part: PartData}); len(got) != 0 || err != nil {
		t.Errorf("an empty part: %d bytes, %v", len(got), err)
	}
}

func TestClosedBodyEndsTheSending(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		ended := make(chan error, 1)
		client, server := pair(t, transport, Limits{}, &cupboard{
			read: func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
				return 1 << 40, func(_ context.Context, w io.Writer) error {
					buf := make([]byte, 64<<10)
					for {
						if _, err := w.Write(buf); err != nil {
							ended <- err
							return err
						}
					}
				}, nil
			},
		})
		_, body, err := client.Read(t.Context(), server.ID(), ReadRequest{Part: PartData})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(body, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := body.Close(); err != nil {
			t.Fatal(err)
		}
		<-ended
	})
}

func TestRateRefusal(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	client, server := pair(t, "tcp", Limits{StreamsPerPeer: 2}, &cupboard{
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) {
			entered <- struct{}{}
			<-leave
			return QuoteResponse{}, nil
		},
	})
	results := make(chan error)
	for range 2 {
		go func() {
			_, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
			results <- err
		}()
		<-entered
	}
	want := &potluck.Refusal{Code: potluck.CodeRate, Cures: []potluck.Cure{{Kind: potluck.CureWait}}}
	_, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
	same(t, err, error(want))
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	same(t, writeUntil(w, 64<<20), error(want))
	close(leave)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEndsHandlers(t *testing.T) {
	started := make(chan struct{})
	var seen error
	server := newNode(t, "tcp", Config{Keeper: &cupboard{quote: func(ctx context.Context, _ peer.ID, _ QuoteRequest) (QuoteResponse, error) {
		close(started)
		<-ctx.Done()
		seen = ctx.Err()
		return QuoteResponse{}, seen
	}}})
	client := newNode(t, "tcp", Config{})
	befriend(t, client, server)
	done := make(chan error)
	go func() {
		_, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
		done <- err
	}()
	<-started
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if seen == nil { // Close waited for the handler
		t.Error("the handler was still at work")
	}
	if err := <-done; !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}
