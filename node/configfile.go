package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"potluck"
)

// File is config.toml in the data directory. Empty, nil or zero means: not said.
type File struct {
	Name   string        // name = "alice"
	Offer  *potluck.Size // offer = "10GiB", or bytes as a number
	Floor  *potluck.Size // floor = "1GiB"
	Listen []string      // listen = ["/ip4/0.0.0.0/tcp/4242"]
	Coming time.Duration // coming = "1h"
	Lease  time.Duration // lease = "744h"

	Page string // page = "127.0.0.1:8484", or "off"

	MaxHops *int   // max_hops = 3: how many pointers may lie between a friend and who is served for it; 0: friends only
	Evict   string // evict = "ask" or "auto": whether the last steps of standing need the operator's word
	Publish *bool  // publish = true: whether friends are shown the statements of this node

	CrawlShare *float64      // crawl_share = 0.1: the part of the time that the loops over all shares may work; 0: they don't run by themselves
	Audits     *int          // audits = 66: slices asked of each host a day, and as many of shares whose turn it is; 0: none
	AuditBytes *potluck.Size // audit_bytes = "32MiB": what they may move with one host a day; 0: nothing
	ProofDays  *int          // proof_days = 14: for how many days a good audit counts; 0: for ever

	RepairBudget *potluck.Size // repair_budget = "10GiB": bytes that repairs may move a day; 0: files aren't repaired by themselves
	RepairAfter  time.Duration // repair_after = "24h": how long a host may be away before its shares are made anew elsewhere

	ScrubDays *int // scrub_days = 30: in how many days every byte that is kept is read once; 0: never
}

// Config is what a node is told by a file, and nothing else.
func (f File) Config(dataDir string) Config {
	return Config{Data: dataDir, Name: f.Name, Listen: f.Listen, Page: f.Page, Offer: OrNone(f.Offer), Floor: OrNone(f.Floor),
		Coming: f.Coming, Lease: f.Lease, Hops: OrNone(f.MaxHops), Evict: f.Evict == evictAuto, Private: f.Publish != nil && !*f.Publish,
		CrawlShare: OrNone(f.CrawlShare), ScrubDays: OrNone(f.ScrubDays),
		Audits: OrNone(f.Audits), AuditBytes: OrNone(f.AuditBytes), ProofDays: OrNone(f.ProofDays),
		RepairBudget: OrNone(f.RepairBudget), RepairAfter: f.RepairAfter}
}

// OrNone gives a number as Config wants it: 0 for the default, negative for none
// at all.
func OrNone[T int | potluck.Size | float64](said *T) T {
	switch {
	case said == nil:
		return 0
	case *said == 0:
		return -1
	}
	return *said
}

// The words for who decides about the last steps of standing.
const (
	evictAsk  = "ask"
	evictAuto = "auto"
)

// hopsLimit is the greatest max_hops. Longer paths reach nobody new among
// people who know each other.
const hopsLimit = 64

// configName is the file in the data directory.
const configName = "config.toml"

// maxConfig is the greatest length of config.toml in bytes.
const maxConfig = 64 << 10

// ReadFile reads config.toml in a data directory. A file that isn't there is
// an empty File; an unknown key or a wrong value is an error with its line.
func ReadFile(dataDir string) (File, error) {
	path := filepath.Join(dataDir, configName)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return File{}, err
	}
	if len(text) > maxConfig {
		return File{}, fmt.Errorf("%s is longer than %d bytes", path, maxConfig)
	}
	c, err := parseFile(string(text))
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// parseFile decodes strictly.
func parseFile(text string) (File, error) {
	var raw struct {
		Name   string    `toml:"name"`
		Offer  *sizeText `toml:"offer"`
		Floor  *sizeText `toml:"floor"`
		Listen []string  `toml:"listen"`
		Coming lasting   `toml:"coming"`
		Lease  lasting   `toml:"lease"`

		Page    string `toml:"page"`
		MaxHops *int   `toml:"max_hops"`
		Evict   string `toml:"evict"`
		Publish *bool  `toml:"publish"`

		CrawlShare *float64 `toml:"crawl_share"`
		ScrubDays  *int     `toml:"scrub_days"`

		Audits     *int      `toml:"audits"`
		AuditBytes *sizeText `toml:"audit_bytes"`
		ProofDays  *int      `toml:"proof_days"`

		RepairBudget *sizeText `toml:"repair_budget"`
		RepairAfter  lasting   `toml:"repair_after"`
	}
	meta, err := toml.Decode(text, &raw)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return File{}, fmt.Errorf("line %d: %s", at.Position.Line, plain(at))
		}
		return File{}, err
	}
	for _, key := range meta.Undecoded() {
		return File{}, fmt.Errorf("line %d: key %q is not known; the keys are name, offer, floor, listen, page, coming, lease, max_hops, evict, publish, crawl_share, scrub_days, audits, audit_bytes, proof_days, repair_budget, repair_after", lineOf(text, key), key)
	}
	if raw.MaxHops != nil && (*raw.MaxHops < 0 || *raw.MaxHops > hopsLimit) {
		return File{}, fmt.Errorf("max_hops = %d is not between 0 and %d", *raw.MaxHops, hopsLimit)
	}
	if s := raw.CrawlShare; s != nil && !(*s >= 0 && *s <= 1) {
		return File{}, fmt.Errorf("crawl_share = %v is not between 0 and 1", *s)
	}
	if raw.ScrubDays != nil && (*raw.ScrubDays < 0 || *raw.ScrubDays > maxScrubDays) {
		return File{}, fmt.Errorf("scrub_days = %d is not between 0 and %d", *raw.ScrubDays, maxScrubDays)
	}
	if raw.Audits != nil && (*raw.Audits < 0 || *raw.Audits > maxAudits) {
		return File{}, fmt.Errorf("audits = %d is not between 0 and %d", *raw.Audits, maxAudits)
	}
	if raw.ProofDays != nil && (*raw.ProofDays < 0 || *raw.ProofDays > maxProofDays) {
		return File{}, fmt.Errorf("proof_days = %d is not between 0 and %d", *raw.ProofDays, maxProofDays)
	}
	if raw.Evict != "" && raw.Evict != evictAsk && raw.Evict != evictAuto {
		return File{}, fmt.Errorf("evict = %q is neither \"ask\" nor \"auto\"", raw.Evict)
	}
	return File{Name: raw.Name, Offer: (*potluck.Size)(raw.Offer), Floor: (*potluck.Size)(raw.Floor),
		Listen: raw.Listen, Page: raw.Page, Coming: time.Duration(raw.Coming), Lease: time.Duration(raw.Lease), MaxHops: raw.MaxHops, Evict: raw.Evict, Publish: raw.Publish,
		CrawlShare: raw.CrawlShare, ScrubDays: raw.ScrubDays,
		Audits: raw.Audits, AuditBytes: (*potluck.Size)(raw.AuditBytes), ProofDays: raw.ProofDays,
		RepairBudget: (*potluck.Size)(raw.RepairBudget), RepairAfter: time.Duration(raw.RepairAfter)}, nil
}

// plain is the message of a parse error without its position.
func plain(e toml.ParseError) string {
	if e.Message != "" {
		return e.Message
	}
	s := e.Error()
	if _, after, ok := strings.Cut(s, "): "); ok {
		return after
	}
	return s
}

// lineOf finds the line on which a key is first named; the decoder doesn't tell.
func lineOf(text string, key toml.Key) int {
	last := key[len(key)-1]
	for i, line := range strings.Split(text, "\n") {
		name, _, _ := strings.Cut(line, "=")
		if strings.Contains(name, last) {
			return i + 1
		}
	}
	return 1
}

// sizeText is a size as a number of bytes or as text with a unit.
type sizeText potluck.Size

// UnmarshalTOML reads either form.
func (s *sizeText) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		if v < 0 || v > int64(potluck.MaxSize) {
			return fmt.Errorf("size %d is not between 0 and %d", v, potluck.MaxSize)
		}
		*s = sizeText(v)
		return nil
	case string:
		size, err := potluck.ParseSize(v)
		*s = sizeText(size)
		return err
	}
	return fmt.Errorf("%v is no size like 500, \"64K\" or \"10GiB\"", v)
}

// lasting is a length of time as text, like "90m".
type lasting time.Duration

// UnmarshalTOML reads the text.
func (d *lasting) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("%v is no length of time like \"90m\"", v)
	}
	t, err := ParseSpan(text)
	if err == nil && t <= 0 {
		err = fmt.Errorf("length of time %q is not above 0", text)
	}
	*d = lasting(t)
	return err
}

// ParseSpan reads a length of time as people say it: "90m", "48h", "7d", "2w".
func ParseSpan(text string) (time.Duration, error) {
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if n := len(text); n > 1 && unit[text[n-1]] != 0 {
		count, err := strconv.ParseUint(text[:n-1], 10, 13) // 8191 weeks are less than a Duration holds
		if err != nil {
			return 0, fmt.Errorf("%q is not a length of time like 90m, 48h, 7d or 2w", text)
		}
		return time.Duration(count) * unit[text[n-1]], nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a length of time like 90m, 48h, 7d or 2w", text)
	}
	return d, nil
}
