package report

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"potluck"
	"potluck/internal/durable"
	"potluck/testnet/scenario"
	"potluck/testnet/sim"
)

// part is what a job left, in parts/NUMBER.json.
type part struct {
	Job     int      `json:"job"`
	Events  File     `json:"events"`
	Series  File     `json:"series"`
	LeftOut int64    `json:"events_left_out"`
	Figures []figure `json:"figures"`
}

// figure is one cell of the summary. The value is text, because JSON has no NaN.
type figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// maxPart is the greatest length of a part's JSON in bytes.
const maxPart = 4 << 20

func partPath(dir string, job int, ending string) string {
	return filepath.Join(dir, partsName, fmt.Sprintf("%08d.%s", job, ending))
}

// readPart reads what a job left; os.ErrNotExist if it isn't done.
func readPart(dir string, job int) (p part, err error) {
	path := partPath(dir, job, "json")
	if err := readJSON(path, maxPart, &p); err != nil {
		return p, err
	}
	if p.Job != job {
		return p, fmt.Errorf("%s is %w: it is of job %d", path, ErrDamaged, p.Job)
	}
	return p, nil
}

// stream is one file that is written from start to end, and named when it is
// whole.
type stream struct {
	f    *os.File
	path string
	buf  *bufio.Writer
	sum  hash.Hash
	size int64
}

func newStream(path string) (*stream, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return nil, err
	}
	return &stream{f: f, path: path, buf: bufio.NewWriterSize(f, 64<<10), sum: sha256.New()}, nil
}

// unfinished ends the name of a file that isn't whole.
const unfinished = ".tmp"

func (s *stream) Write(p []byte) (int, error) {
	s.sum.Write(p)
	s.size += int64(len(p))
	return s.buf.Write(p)
}

// commit makes the file durable and gives it its name.
func (s *stream) commit() (File, error) {
	err := s.buf.Flush()
	if err == nil {
		err = s.f.Chmod(0o644)
	}
	if err == nil {
		err = s.f.Sync()
	}
	if err = errors.Join(err, s.f.Close()); err == nil {
		err = os.Rename(s.f.Name(), s.path)
	}
	if err != nil {
		os.Remove(s.f.Name())
		return File{}, fmt.Errorf("write %s: %w", s.path, err)
	}
	s.f = nil
	return File{Name: filepath.Base(s.path), Bytes: s.size, SHA256: hex.EncodeToString(s.sum.Sum(nil))}, durable.SyncDir(filepath.Dir(s.path))
}

// drop ends a stream that wasn't committed.
func (s *stream) drop() {
	if s.f != nil {
		s.f.Close()
		os.Remove(s.f.Name())
	}
}

// recorder writes what one job tells. It is a sim.Observer.
type recorder struct {
	prefix         string // "point,replicate," of a row
	head           string // of an event's line
	events, series *stream
	keep           int // events that may still be kept
	leftOut        int64
	kinds          map[string]*kindSum
	line           []byte
	at             func(time int64) // is told the virtual time
}

// kindSum counts the records of one kind.
type kindSum struct {
	count int64
	bytes potluck.Size
}

func newRecorder(dir string, j scenario.Job, keep int, at func(int64)) (*recorder, error) {
	events, err := newStream(partPath(dir, j.Index, "events"))
	if err != nil {
		return nil, err
	}
	series, err := newStream(partPath(dir, j.Index, "series"))
	if err != nil {
		events.drop()
		return nil, err
	}
	return &recorder{
		prefix: fmt.Sprintf("%d,%d,", j.Point, j.Replicate), head: fmt.Sprintf(`{"point":%d,"replicate":%d,`, j.Point, j.Replicate),
		events: events, series: series, keep: keep, kinds: map[string]*kindSum{}, at: at,
	}, nil
}

// Sample writes one row of the time series.
func (r *recorder) Sample(s sim.Sample) error {
	r.at(s.Time)
	b := append(r.line[:0], r.prefix...)
	b = strconv.AppendInt(b, s.Time, 10)
	b = append(b, ',')
	b = appendCell(b, s.Metric)
	b = append(b, ',')
	b = appendCell(b, s.Group)
	b = append(b, ',')
	b = append(b, showValue(s.Value)...)
	r.line = append(b, '\n')
	_, err := r.series.Write(r.line)
	return err
}

// eventLine is what a line of events.jsonl has behind point and replicate.
type eventLine struct {
	Time   int64        `json:"time"`
	Kind   string       `json:"kind"`
	Node   int          `json:"node"`
	Peer   int          `json:"peer"`
	Bytes  potluck.Size `json:"bytes"`
	Reason string       `json:"reason"`
}

// Record counts a record, and writes it if the limit isn't reached.
func (r *recorder) Record(e sim.Record) error {
	k := r.kinds[e.Kind]
	if k == nil {
		k = &kindSum{}
		r.kinds[e.Kind] = k
	}
	k.count++
	k.bytes += e.Bytes
	if r.keep == 0 {
		r.leftOut++
		return nil
	}
	r.keep--
	text, err := json.Marshal(eventLine(e))
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	b := append(r.line[:0], r.head...)
	b = append(b, text[1:]...)
	r.line = append(b, '\n')
	_, err = r.events.Write(r.line)
	return err
}

// commit makes the job done.
func (r *recorder) commit(dir string, job int, s sim.Summary) error {
	p := part{Job: job, LeftOut: r.leftOut}
	for _, f := range s.Figures {
		p.Figures = append(p.Figures, figure{f.Name, showValue(f.Value)})
	}
	for _, kind := range slices.Sorted(maps.Keys(r.kinds)) {
		k := r.kinds[kind]
		p.Figures = append(p.Figures, figure{"records:" + kind, strconv.FormatInt(k.count, 10)}, figure{"record_bytes:" + kind, strconv.FormatInt(int64(k.bytes), 10)})
	}
	var err error
	if p.Events, err = r.events.commit(); err != nil {
		return err
	}
	if p.Series, err = r.series.commit(); err != nil {
		return err
	}
	return writeJSON(partPath(dir, job, "json"), p)
}

func (r *recorder) drop() {
	r.events.drop()
	r.series.drop()
}

// showValue gives a value in the one form that reads back the same, whole
// numbers in digits alone; nothing where there is no value.
func showValue(v float64) string {
	switch {
	case v != v:
		return ""
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// appendCell adds a text as a cell of CSV.
func appendCell(b []byte, text string) []byte {
	if !strings.ContainsAny(text, ",\"\r\n") {
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(text, `"`, `""`)...)
	return append(b, '"')
}

// checkFile compares a file with its length and hash, and gives it to w on the way.
func checkFile(path string, want File, w io.Writer) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is %w: it isn't there", path, ErrDamaged)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, w), f)
	switch {
	case err != nil:
		return fmt.Errorf("copy %s: %w", path, err)
	case n < want.Bytes:
		return fmt.Errorf("%s is %w: it is cut short, %d of %d bytes", path, ErrDamaged, n, want.Bytes)
	case n > want.Bytes:
		return fmt.Errorf("%s is %w: it has %d bytes, and %d were written", path, ErrDamaged, n, want.Bytes)
	case hex.EncodeToString(sum.Sum(nil)) != want.SHA256:
		return fmt.Errorf("%s is %w: its %d bytes aren't those that were written", path, ErrDamaged, n)
	}
	return nil
}
