package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/node"
	"potluck/p2p"
)

// handler answers one request with a value that becomes the JSON body.
type handler func(r *http.Request) (any, error)

// ServeHTTP answers with the value, or with the error.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // unix sockets have deadlines
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	v, err := h(r)
	if err != nil {
		fail(w, problem(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // an error means that nobody reads it any more
}

// fail answers with an error.
func fail(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statuses[e.Kind])
	_ = json.NewEncoder(w).Encode(message{Error: e})
}

// statuses gives the HTTP status of each kind.
var statuses = map[Kind]int{
	KindUsage:      http.StatusBadRequest,
	KindRefused:    http.StatusConflict,
	KindNotFound:   http.StatusNotFound,
	KindPartial:    http.StatusServiceUnavailable,
	KindDamage:     http.StatusUnprocessableEntity,
	KindNotAllowed: http.StatusForbidden,
	KindNoToken:    http.StatusUnauthorized,
	KindInternal:   http.StatusInternalServerError,
}

// read decodes a JSON body strictly. No body is an empty object.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return usagef("the body is not what this call takes: %v", err)
	}
	return nil
}

func usagef(format string, args ...any) error {
	return &files.UsageError{Text: fmt.Sprintf(format, args...)}
}

// problem decides what the caller is told of an error.
func problem(err error) *Error {
	e := &Error{Kind: KindInternal, Message: err.Error()}
	var (
		ready    *Error
		usage    *files.UsageError
		capText  *caps.ParseError
		missing  *node.NotFoundError
		spread   *files.SpreadError
		few      *files.NotEnoughError
		damage   *files.DamageError
		answered *p2p.Error
		older    *node.OlderCopyError
		books    *node.OldBooksError
	)
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &usage), errors.As(err, &capText):
		e.Kind = KindUsage
	case errors.As(err, &missing):
		e.Kind = KindNotFound
	case errors.As(err, &spread):
		e.Kind = KindRefused
		e.detail(spreadDetails{spread.K, spread.N, spread.Wanted, spread.Found, listed(spread.Reasons), bestCure(spread)})
	case errors.As(err, &few):
		e.Kind = KindPartial
		if few.Found == 0 {
			e.Kind = KindNotFound
		}
		e.detail(fewDetails{few.Need, few.Found, few.Asked, listed(few.Silent)})
	case errors.As(err, &damage):
		e.Kind = KindDamage
	case errors.As(err, &e.Refusal):
		e.Kind = KindRefused
	case errors.As(err, &answered):
		e.Kind = kindOfCode(answered.Code)
	case errors.As(err, &older), errors.As(err, &books):
		e.Kind = KindNotAllowed
	case errors.Is(err, ledger.ErrDamaged), errors.Is(err, ledger.ErrCut):
		e.Kind = KindDamage
	case errors.Is(err, ledger.ErrFull):
		e.Kind = KindRefused
	case errors.Is(err, os.ErrNotExist):
		e.Kind = KindNotFound
	case errors.Is(err, os.ErrPermission):
		e.Kind = KindNotAllowed
	case errors.Is(err, context.Canceled):
		e.Message = "interrupted: " + e.Message
	}
	return e
}

func kindOfCode(c p2p.Code) Kind {
	switch c {
	case p2p.CodeNotFound:
		return KindNotFound
	case p2p.CodeNoSuchInvite, p2p.CodeInviteUsed, p2p.CodeInviteExpired, p2p.CodeInviteRevoked:
		return KindNotAllowed
	case p2p.CodeDamaged:
		return KindDamage
	}
	return KindInternal
}

// spreadDetails are the details of a put that found too few hosts.
type spreadDetails struct {
	K       int                 `json:"k"`
	N       int                 `json:"n"`
	Wanted  int                 `json:"wanted"`
	Found   int                 `json:"found"`
	Reasons []files.HostRefusal `json:"reasons"`
	Cure    *hostCure           `json:"cure,omitempty"` // the easiest, if credit is what is missing
}

// hostCure is a cure at one host.
type hostCure struct {
	Host peer.ID `json:"host"`
	Name string  `json:"name"`
	potluck.Cure
}

func bestCure(e *files.SpreadError) *hostCure {
	host, cure, ok := e.BestCure()
	if !ok {
		return nil
	}
	return &hostCure{host.Host, host.Name, cure}
}

// fewDetails are the details of a read that found too few shares.
type fewDetails struct {
	Need   int                 `json:"need"`
	Found  int                 `json:"found"`
	Asked  int                 `json:"asked"`
	Silent []files.HostRefusal `json:"silent"`
}

// listed gives an empty list for none, which is [] in JSON and not null.
func listed(all []files.HostRefusal) []files.HostRefusal {
	return append([]files.HostRefusal{}, all...)
}

func (e *Error) detail(v any) {
	e.Details, _ = json.Marshal(v) // structs of numbers and texts always can be
}

// none is the answer of calls that only do something.
type none struct{}

// message is one line of an NDJSON stream, and the body of an error. One field
// is set.
type message struct {
	Progress *files.Progress `json:"progress,omitempty"`
	Event    *Event          `json:"event,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Error          `json:"error,omitempty"`
}
