package p2p

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// rawAnswer sends bytes as a request, ends the side, and gives all that comes back.
func rawAnswer(t *testing.T, client, server *node, x exchange, request []byte) ([]byte, error) {
	t.Helper()
	s := rawStream(t, client, server, x.id)
	if _, err := s.Write(request); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(s)
}

// answeredCode reads an answer that must be an error.
func answeredCode(t *testing.T, answer []byte) Code {
	t.Helper()
	data, err := readFrame(bytes.NewReader(answer), 1<<20, func() error { return nil })
	if err != nil {
		t.Fatalf("answer %x: %v", answer, err)
	}
	_, err = openAnswer[QuoteResponse](data)
	if !isAnswer(err) {
		t.Fatalf("answer %x: %v", answer, err)
	}
	return CodeOf(err)
}

// badFrames are requests that no protocol takes, with the answer to each.
func badFrames(x exchange) map[string]struct {
	frame []byte
	code  Code
} {
	type bad = struct {
		frame []byte
		code  Code
	}
	frames := map[string]bad{
		"empty message":         {[]byte{0}, CodeBadRequest},
		"garbage":               {appendFrame(nil, []byte("\xff\x00garbage")), CodeBadRequest},
		"length in long form":   {[]byte{0x81, 0x00, 0xa0}, CodeBadRequest},
		"over its ceiling":      {appendFrame(nil, make([]byte, x.request+1)), CodeTooLarge},
		"unknown key":           {appendFrame(nil, []byte{0xa1, 0x18, 0x63, 0x00}), CodeBadRequest},
		"duplicate key":         {appendFrame(nil, []byte{0xa2, 0x01, 0x00, 0x01, 0x00}), CodeBadRequest},
		"indefinite length":     {appendFrame(nil, []byte{0xbf, 0x01, 0x00, 0xff}), CodeBadRequest},
		"integer in long form":  {appendFrame(nil, []byte{0xa1, 0x01, 0x18, 0x01}), CodeBadRequest},
		"key in long form":      {appendFrame(nil, []byte{0xa1, 0x18, 0x01, 0x01}), CodeBadRequest},
		"text key":              {appendFrame(nil, []byte{0xa1, 0x61, '1', 0x01}), CodeBadRequest},
		"null":                  {appendFrame(nil, []byte{0xf6}), CodeBadRequest},
		"array":                 {appendFrame(nil, []byte{0x81, 0x01}), CodeBadRequest},
		"no keys":               {appendFrame(nil, []byte{0xa0}), CodeBadRequest},
		"tagged":                {appendFrame(nil, []byte{0xc1, 0xa1, 0x01, 0x00}), CodeBadRequest},
		"trailing byte inside":  {appendFrame(nil, []byte{0xa1, 0x01, 0x00, 0x00}), CodeBadRequest},
		"2^40 array elements":   {appendFrame(nil, []byte{0xa1, 0x01, 0x9b, 0, 0, 1, 0, 0, 0, 0, 0}), CodeBadRequest},
		"2^63 bytes of a bytes": {appendFrame(nil, []byte{0xa1, 0x01, 0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0}), CodeBadRequest},
	}
	for _, n := range []uint64{1 << 20, 1<<31 - 1, 1 << 31, 1 << 32, 1 << 62, math.MaxInt64, 1 << 63, math.MaxUint64} {
		frames[fmt.Sprintf("claims %d bytes", n)] = bad{binary.AppendUvarint(nil, n), CodeTooLarge}
	}
	return frames
}

var exchanges = []exchange{exchangeQuote, exchangeAllocate, exchangeWrite, exchangeRead, exchangeSliver, exchangeHave, exchangeCancel, exchangeRenew, exchangeJoin,
	exchangeDeliver, exchangeSync, exchangeStatement, exchangeAccount, exchangeNotice, exchangeLoss, exchangeAudience, exchangeRanges, exchangeList}

func TestBadRequests(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{})
	for _, x := range exchanges {
		for name, bad := range badFrames(x) {
			answer, err := rawAnswer(t, client, server, x, bad.frame)
			if err != nil {
				t.Errorf("%s: %s: %v", x.id, name, err)
				continue
			}
			if got := answeredCode(t, answer); got != bad.code {
				t.Errorf("%s: %s: answered %q, want %q", x.id, name, got, bad.code)
			}
		}
	}
}

func TestTrailingBytes(t *testing.T) {
	var reached shared[bool]
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) {
			reached.set(true)
			return QuoteResponse{}, nil
		},
		write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			// Even a keeper that reads just what it needs never sees it whole.
			if n, err := io.ReadFull(body, make([]byte, 4)); err == nil {
				t.Errorf("the keeper got %d bytes as the whole", n)
			}
			return WriteResponse{}, nil
		},
	})
	quote := golden(t, QuoteRequest{Bytes: 1})
	answer, err := rawAnswer(t, client, server, exchangeQuote, append(quote, 0))
	if err != nil || answeredCode(t, answer) != CodeBadRequest || reached.get() {
		t.Errorf("%x, %v, keeper asked: %v", answer, err, reached.get())
	}
	write := golden(t, WriteRequest{Layout: layout, Length: 4})
	for name, body := range map[string]string{"a byte too many": "12345", "a byte too few": "123"} {
		answer, err := rawAnswer(t, client, server, exchangeWrite, append(bytes.Clone(write), body...))
		if err != nil || answeredCode(t, answer) != CodeBadRequest {
			t.Errorf("%s: %x, %v", name, answer, err)
		}
	}
}

// golden is the frame of a message.
func golden(t testing.TB, m message) []byte {
	t.Helper()
	data, err := encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return appendFrame(nil, data)
}

func TestLengthBombCostsNothing(t *testing.T) {
	for _, n := range []uint64{1 << 20, 1 << 31, 1 << 63, math.MaxUint64} {
		frame := binary.AppendUvarint(nil, n)
		cost := testing.AllocsPerRun(10, func() {
			if _, err := readFrame(bytes.NewReader(frame), 1<<19, func() error { return nil }); !errors.Is(err, errTooLong) {
				t.Fatal(err)
			}
		})
		if cost > 8 {
			t.Errorf("claim of %d bytes: %v allocations", n, cost)
		}
	}
	// A claim within the ceiling takes memory only as bytes come.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	frame := append(binary.AppendUvarint(nil, 1<<20), make([]byte, 100)...)
	if _, err := readFrame(bytes.NewReader(frame), 1<<20, func() error { return nil }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4*frameStep {
		t.Errorf("%d bytes were allocated for 100 that came", got)
	}
}

// TestStallAtEveryByte stops after each byte of a whole write, and of a read.
func TestStallAtEveryByte(t *testing.T) {
	client, server := pair(t, "tcp", shortLimits, &cupboard{
		write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			_, err := io.ReadAll(body)
			return WriteResponse{}, err
		},
	})
	talk := append(golden(t, WriteRequest{Index: index(1), Layout: layout, Length: 5, Manifest: 2, Crosscheck: 1}), "12345678"...)
	type stalled struct {
		at    int
		s     network.Stream
		began time.Time
	}
	var all []stalled
	for at := range len(talk) + 1 {
		s := rawStream(t, client, server, ProtocolWrite)
		if at == 0 { // the negotiation only
			if err := s.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		} else if _, err := s.Write(talk[:at]); err != nil {
			t.Fatal(err)
		}
		all = append(all, stalled{at, s, time.Now()})
		if len(all) == 32 || at == len(talk) {
			for _, one := range all {
				if b, err := io.ReadAll(one.s); err == nil {
					t.Errorf("stalled after %d bytes: the server answered %x", one.at, b)
				} else if isTimeout(err) {
					t.Errorf("stalled after %d bytes: still there after %v", one.at, time.Since(one.began))
				}
				_ = one.s.Reset()
			}
			all = nil
		}
	}
	eventually(t, "no handler is left", func() bool {
		server.streams.mu.Lock()
		defer server.streams.mu.Unlock()
		return server.streams.busy == 0
	})
}

func TestResetInTheBody(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		seen := make(chan error, 1)
		client, server := pair(t, transport, Limits{}, &cupboard{
			write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
				_, err := io.CopyN(io.Discard, body, 1000)
				if err == nil {
					_, err = io.Copy(io.Discard, body)
				}
				seen <- err
				return WriteResponse{}, err
			},
		})
		w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := writeUntil(w, 1<<19); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		// The reset may overtake the request: then no keeper was asked.
		eventually(t, "the exchange is over", func() bool {
			server.streams.mu.Lock()
			defer server.streams.mu.Unlock()
			return server.streams.busy == 0
		})
		select {
		case err := <-seen:
			if err == nil || err == io.EOF {
				t.Errorf("the keeper saw %v", err)
			}
		default:
		}
	})
}

// liar is a server that answers with given bytes.
func liar(t *testing.T, x exchange, answer []byte) (client, server *node) {
	client, server = newNode(t, "tcp", Config{}), newNode(t, "tcp", Config{})
	server.basic.SetStreamHandler(x.id, func(s network.Stream) {
		_, _ = s.Write(answer)
		_ = s.CloseWrite()
		_, _ = io.Copy(io.Discard, s)
		_ = s.Close()
	})
	befriend(t, client, server)
	return client, server
}

func TestLyingServers(t *testing.T) {
	ok, err := sealAnswer(QuoteResponse{}, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string][]byte{
		"nothing":          nil,
		"garbage":          bytes.Repeat([]byte("HTTP/1.1 200 OK\r\n\r\n"), 9),
		"oversize":         appendFrame(nil, make([]byte, exchangeQuote.answer+1)),
		"claims 2^63":      binary.AppendUvarint(nil, 1<<63),
		"bytes behind":     append(bytes.Clone(ok), 1),
		"cut":              ok[:len(ok)-1],
		"neither":          appendFrame(nil, []byte{0xa0}),
		"unknown code":     appendFrame(nil, must(encMode.Marshal(envelope{Error: &wireError{Code: 99}}))),
		"internal numbers": appendFrame(nil, must(encMode.Marshal(envelope{Error: &wireError{Code: 43, Asked: 1}}))),
		"both":             appendFrame(nil, must(encMode.Marshal(envelope{OK: []byte{0xa0}, Error: &wireError{Code: 43}}))),
	}
	for name, answer := range answers {
		client, server := liar(t, exchangeQuote, answer)
		_, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
		want := ErrProtocol
		if name == "nothing" || name == "cut" {
			want = ErrUnreachable
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLyingAnswers(t *testing.T) {
	sealed := func(m message) []byte { return must(sealAnswer(m, 1<<20)) }
	client, server := liar(t, exchangeAllocate, sealed(AllocateResponse{Grants: []Grant{{Number: 2, State: GrantNew}}}))
	for _, numbers := range [][]potluck.ShareNumber{{1}, {1, 2}} {
		_, err := client.Allocate(t.Context(), server.ID(), AllocateRequest{Layout: layout, Numbers: numbers})
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("allocate %v: %v", numbers, err)
		}
	}
	client, server = liar(t, exchangeHave, sealed(HaveResponse{}))
	if _, err := client.Have(t.Context(), server.ID(), HaveRequest{Indexes: make([]potluck.StorageIndex, 1)}); !errors.Is(err, ErrProtocol) {
		t.Errorf("have: %v", err)
	}
	client, server = liar(t, exchangeRead, append(sealed(readResponse{Length: 3}), "1234"...))
	if got, err := readAll(t, client, server, ReadRequest{Part: PartData}); !errors.Is(err, ErrProtocol) {
		t.Errorf("read: %q, %v", got, err)
	}
	client, server = liar(t, exchangeRead, append(sealed(readResponse{Length: 5}), "1234"...))
	if got, err := readAll(t, client, server, ReadRequest{Part: PartData}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read: %q, %v", got, err)
	}
	client, server = liar(t, exchangeWrite, sealed(WriteResponse{Receipt: []byte("too soon")}))
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeUntil(w, 64<<20); !errors.Is(err, ErrProtocol) {
		t.Errorf("write: %v", err)
	}
}

// TestAnswerWakesABlockedWriter: a host that answers and neither reads nor
// resets can't hold a sender until its deadline.
func TestAnswerWakesABlockedWriter(t *testing.T) {
	client, server := newNode(t, "tcp", Config{}), newNode(t, "tcp", Config{})
	answer, hold := make(chan struct{}), make(chan struct{})
	defer close(hold)
	server.basic.SetStreamHandler(ProtocolWrite, func(s network.Stream) {
		<-answer
		_, _ = s.Write(appendFrame(nil, must(encode(envelope{Error: &wireError{Code: codeNumbers[CodeBusy]}}))))
		_ = s.CloseWrite()
		<-hold
		_ = s.Reset()
	})
	befriend(t, client, server)
	w, err := client.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	var sent shared[int]
	failed := make(chan error)
	go func() {
		for n := 1; ; n++ {
			if _, err := w.Write(make([]byte, 4<<10)); err != nil {
				failed <- err
				return
			}
			sent.set(n)
		}
	}()
	still := -1
	for range 20 { // until nothing more went out for a tick
		<-time.After(30 * time.Millisecond)
		if n := sent.get(); n == still {
			break
		}
		still = sent.get()
	}
	close(answer)
	select {
	case err := <-failed:
		same(t, err, error(&Error{Code: CodeBusy}))
	case <-time.After(15 * time.Second):
		t.Error("the writer is still blocked")
		w.Abort()
		<-failed
	}
}

// TestMessagesInvalidAtHome: what a rule forbids isn't sent at all.
func TestMessagesInvalidAtHome(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, allOpen())
	if _, err := client.Quote(t.Context(), server.ID(), QuoteRequest{Bytes: -1}); err == nil || isAnswer(err) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Write(t.Context(), server.ID(), WriteRequest{}); err == nil {
		t.Error("an empty write request was sent")
	}
	if _, _, err := client.Read(t.Context(), server.ID(), ReadRequest{}); err == nil {
		t.Error("an empty read request was sent")
	}
}

func TestTooManyHeldShares(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		have: func(_ context.Context, _ peer.ID, q HaveRequest) (HaveResponse, error) {
			r := HaveResponse{Sets: make([]ShareSet, len(q.Indexes))}
			for i := range r.Sets {
				for n := range potluck.MaxShares {
					r.Sets[i].Shares = append(r.Sets[i].Shares, HeldShare{Number: potluck.ShareNumber(n), Root: digest(9), Manifest: digest(8), Mine: true})
				}
			}
			return r, nil
		},
	})
	r, err := client.Have(t.Context(), server.ID(), HaveRequest{Indexes: make([]potluck.StorageIndex, 32)})
	if err != nil || r.held() != 32*potluck.MaxShares {
		t.Errorf("32 indexes: %d shares, %v", r.held(), err)
	}
	_, err = client.Have(t.Context(), server.ID(), HaveRequest{Indexes: make([]potluck.StorageIndex, 33)})
	same(t, err, &Error{Code: CodeTooLarge})
}
