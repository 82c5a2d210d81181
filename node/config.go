package node

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"

	"potluck"
	"potluck/p2p"
)

// Config is all that a node needs to be told. The zero value of every field but
// Data means its default.
type Config struct {
	Data    string        // the data directory; made if there is none
	Name    string        // what friends see, printable; default: this machine's name
	Offer   potluck.Size  // charged bytes offered to friends in all; default DefaultOffer, negative: none
	Floor   potluck.Size  // bytes of the disk that stay free; default 1 GiB or 5 % of the disk, whichever is less; negative: none
	Listen  []string      // multiaddrs; default: TCP and QUIC on all addresses, on a port that the data directory remembers
	Coming  time.Duration // how long room stays reserved for an upload that doesn't go on; default 1 h
	Lease   time.Duration // how long this node asks its hosts to keep its shares, each day anew; default 31 days
	Hops    int           // how many pointers may lie between a friend and who is served for it; default 3, negative: none
	Private bool          // the statements of this node aren't shown to its friends
	Evict   bool          // whether standing may climb to its last two steps without the operator's word

	CrawlShare float64 // the part of the time that the loops over all shares may work, up to 1; default 0.1, negative: they don't run by themselves
	ScrubDays  int     // days in which every byte that is kept for others is read once; default 30, negative: never

	Audits     int          // slices that each host of this node's data is asked for a day, and as many of shares whose turn it is; default 66, negative: none
	AuditBytes potluck.Size // what they may move with one host a day; default 32 MiB, negative: nothing
	ProofDays  int          // for how many days a proof that a host holds what it should counts; default 14, negative: for ever

	RepairBudget potluck.Size  // bytes that the repair of this node's files may move a day; default 10 GiB, negative: files aren't repaired by themselves
	RepairAfter  time.Duration // how long a host may be away before its shares are made anew elsewhere; default 24 h

	Page  string   // where the caller serves the page, host:port or "off"; told among the settings; default DefaultPage
	Fixed []string // keys of config.toml over which the start of this node said something else, like a flag: changes of them wait

	EmptyBooks bool // begin with empty books where there were others, which are gone

	Log   *slog.Logger     // default: nothing is logged
	Clock func() time.Time // default: time.Now

	Fabric p2p.Fabric // the network, of which Listen names addresses; default: the machine's
	Small  bool       // one of many nodes in this process: its books are small, and a power cut may cost what was acknowledged
}

// DefaultOffer is offered when nothing is said.
const DefaultOffer = 10 * potluck.GiB

// DefaultPage is where the page is when nothing is said: on a port that stays
// the same once it was found free.
const DefaultPage = "127.0.0.1:0"

const (
	defaultComing = time.Hour
	defaultLease  = 31 * 24 * time.Hour
	defaultHops   = 3
	maxLease      = 2 * defaultLease // no friend can ask for more at once

	defaultCrawlShare = 0.1
	defaultScrubDays  = 30
	maxScrubDays      = 3650
)

// withDefaults checks c and fills its zero fields, other than Floor and Listen,
// which need the data directory. Errors: *files.UsageError for what can't be.
func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, fmt.Errorf("no data directory is named")
	}
	var err error
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return c, fmt.Errorf("data directory: %w", err)
	}
	if c.Name == "" {
		c.Name = machineName()
	}
	if err := p2p.CheckName(c.Name); err != nil {
		return c, usagef("%v", err)
	}
	for _, a := range c.Listen {
		if _, err := multiaddr.NewMultiaddr(a); err != nil {
			return c, usagef("listen address %q is none; want one like /ip4/0.0.0.0/tcp/4242 or /ip4/0.0.0.0/udp/4242/quic-v1, with a port from 0 to 65535", a)
		}
	}
	switch {
	case c.Offer == 0:
		c.Offer = DefaultOffer
	case c.Offer < 0:
		c.Offer = 0
	case c.Offer > potluck.MaxSize:
		return c, usagef("offer of %d bytes is more than %d", c.Offer, potluck.MaxSize)
	}
	if c.Coming == 0 {
		c.Coming = defaultComing
	}
	if c.Lease == 0 {
		c.Lease = defaultLease
	}
	if c.Coming < time.Second || c.Lease < time.Minute || c.Lease > maxLease {
		return c, usagef("coming of %v and lease of %v: want at least 1s, and 1m to %v", c.Coming, c.Lease, maxLease)
	}
	if c.Hops == 0 {
		c.Hops = defaultHops
	}
	if c.Hops > hopsLimit {
		return c, usagef("max_hops of %d is over %d", c.Hops, hopsLimit)
	}
	if err := errors.Join(c.pacing(), c.proving(), c.repairing()); err != nil {
		return c, err
	}
	if c.Page == "" {
		c.Page = DefaultPage
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c, nil
}

// pacing fills in how fast the loops over all shares go.
func (c *Config) pacing() error {
	if c.CrawlShare == 0 {
		c.CrawlShare = defaultCrawlShare
	}
	if c.ScrubDays == 0 {
		c.ScrubDays = defaultScrubDays
	}
	if !(c.CrawlShare <= 1) || c.ScrubDays > maxScrubDays {
		return usagef("crawl_share of %v and scrub_days of %d: want at most 1, and at most %d", c.CrawlShare, c.ScrubDays, maxScrubDays)
	}
	return nil
}

// machineName is this machine's name as far as it may be shown.
func machineName() string {
	name, err := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	if err != nil || name == "" || p2p.CheckName(name) != nil {
		return "potluck"
	}
	return name
}
