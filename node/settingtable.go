package node

import (
	"net"
	"strconv"
	"time"

	"potluck"
)

// SettingKind is how a setting's value is written.
type SettingKind string

// The kinds of settings.
const (
	SettingText   SettingKind = "text"
	SettingSize   SettingKind = "size"   // "10 GiB"
	SettingCount  SettingKind = "count"  // a whole number
	SettingPart   SettingKind = "part"   // from 0 to 1
	SettingTime   SettingKind = "time"   // "36h"
	SettingYes    SettingKind = "yes"    // true or false
	SettingChoice SettingKind = "choice" // one of Choices
	SettingPlace  SettingKind = "place"  // where the page is: host:port, or off
)

// setting is one key of config.toml: how its value is shown, and how a node that
// runs takes another one. All but listen are here: it is a list, and a change of
// it ends every connection.
type setting struct {
	key     string
	kind    SettingKind
	atOnce  bool
	choices []string
	about   string
	show    func(Config) string // of a config with its defaults
	take    func(now *Config, said Config)
}

// settings are in the order in which people look for them.
var settings = []setting{
	{"name", SettingText, true, nil, "What friends see.",
		func(c Config) string { return c.Name }, func(now *Config, said Config) { now.Name = said.Name }},
	{"offer", SettingSize, true, nil, "Bytes offered to friends in all. Less than they have already deletes nothing; it only takes nothing new.",
		func(c Config) string { return exact(c.Offer) }, func(now *Config, said Config) { now.Offer = said.Offer }},
	{"floor", SettingSize, true, nil, "Bytes of the disk that stay free, whatever is offered.",
		func(c Config) string { return exact(c.Floor) }, func(now *Config, said Config) { now.Floor = said.Floor }},
	{"publish", SettingYes, true, nil, "Whether friends are shown what this node signed about who holds how much for whom.",
		func(c Config) string { return strconv.FormatBool(!c.Private) }, func(now *Config, said Config) { now.Private = said.Private }},
	{"evict", SettingChoice, true, []string{evictAsk, evictAuto}, "Whether the last two steps of standing need your word (ask), or come by themselves after all notices (auto).",
		func(c Config) string {
			if c.Evict {
				return evictAuto
			}
			return evictAsk
		}, func(now *Config, said Config) { now.Evict = said.Evict }},
	{"repair_after", SettingTime, true, nil, "How long a friend may be away before its shares of your files are made anew elsewhere.",
		func(c Config) string { return long(c.RepairAfter) }, func(now *Config, said Config) { now.RepairAfter = said.RepairAfter }},
	{"repair_budget", SettingSize, true, nil, "Bytes that bringing back lost shares of your files may move a day; 0: they aren't repaired by themselves.",
		func(c Config) string { return exact(max(c.RepairBudget, 0)) }, func(now *Config, said Config) { now.RepairBudget = said.RepairBudget }},
	{"audits", SettingCount, true, nil, "How many pieces of your shares each friend is asked for a day, to prove that it has them; 0: none.",
		func(c Config) string { return strconv.Itoa(c.Audits) }, func(now *Config, said Config) { now.Audits = said.Audits }},
	{"audit_bytes", SettingSize, true, nil, "What such proofs may move with one friend a day; 0: nothing.",
		func(c Config) string { return exact(c.AuditBytes) }, func(now *Config, said Config) { now.AuditBytes = said.AuditBytes }},
	{"proof_days", SettingCount, false, nil, "For how many days a proof that a friend has your shares counts; 0: for ever.",
		func(c Config) string { return strconv.Itoa(c.ProofDays) }, nil},
	{"crawl_share", SettingPart, true, nil, "The part of the time that comparing the disk with the books, and reading it again, may take; 0: neither is done by itself.",
		func(c Config) string { return strconv.FormatFloat(max(c.CrawlShare, 0), 'f', -1, 64) }, func(now *Config, said Config) { now.CrawlShare = said.CrawlShare }},
	{"scrub_days", SettingCount, true, nil, "In how many days every byte that you keep for friends is read once; 0: never.",
		func(c Config) string { return strconv.Itoa(max(c.ScrubDays, 0)) }, func(now *Config, said Config) { now.ScrubDays = said.ScrubDays }},
	{"max_hops", SettingCount, false, nil, "How many credit pointers may lie between a friend and somebody whom your node serves for it; 0: friends only.",
		func(c Config) string { return strconv.Itoa(max(c.Hops, 0)) }, nil},
	{"coming", SettingTime, false, nil, "How long room stays reserved for an upload that doesn't go on.",
		func(c Config) string { return long(c.Coming) }, nil},
	{"lease", SettingTime, false, nil, "How long friends are asked to keep your shares, each day anew.",
		func(c Config) string { return long(c.Lease) }, nil},
	{"page", SettingPlace, false, nil, "Where this page is: an address of this machine's loopback (port 0: one that is free), or off.",
		func(c Config) string { return c.Page }, nil},
}

// exact writes a size so that it is read as the same.
func exact(s potluck.Size) string {
	text := s.String()
	if again, err := potluck.ParseSize(text); err != nil || again != s {
		return strconv.FormatInt(int64(s), 10)
	}
	return text
}

// long writes a length of time without the zeros at its end.
func long(d time.Duration) string {
	if d > 0 && d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	if d > 0 && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return d.String()
}

// CheckPage tells whether the page can be at an address: host:port of loopback, or
// "off".
func CheckPage(addr string) error {
	if addr == "off" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("page address %q is none; want one like 127.0.0.1:8484", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usagef("page address %q isn't on loopback: the page is for this machine only; to reach it from another one, use ssh -L", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return usagef("page address %q has no port from 0 to 65535", addr)
	}
	return nil
}
