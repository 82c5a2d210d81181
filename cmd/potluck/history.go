package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger"
)

type historyCmd struct {
	Peer    string `arg:"" help:"A peer: petname, peer ID, or the start of either."`
	Days    *int   `placeholder:"N" help:"The last so many days, today included (30; at most 400)."`
	CSV     bool   `name:"csv" help:"Print CSV, one line a day."`
	Invoice string `placeholder:"MONTH" help:"Print a month's byte-seconds as CSV, for paid terms: 2026-11."`
}

// Help says more than one line.
func (h *historyCmd) Help() string {
	return `What was counted for a peer, by days of UTC: what each of you kept for the other, in bytes times days; bytes on the wire; how often it was there, in windows of a quarter of an hour in which your node would have seen it; and how it stood the audits, which ask for random pieces of your shares every day. Days are kept for 400 days.

--invoice prints, for each day of a month and in all, the byte-seconds that you kept for the peer while your node was up, and the part of them within the paid term, as it was in each quarter of an hour.`
}

// Run shows what was counted for a peer.
func (h *historyCmd) Run(ctx context.Context, c *cli) error {
	from, to, err := h.span(time.Now().UTC())
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.History(ctx, h.Peer, from, to)
	switch {
	case err != nil || c.JSON:
		return c.emitUnless(err, v)
	case h.Invoice != "":
		return c.writeCSV(invoiceLines(v))
	case h.CSV:
		return c.writeCSV(historyLines(v))
	}
	return c.showHistory(v)
}

// span gives the days that the flags name.
func (h *historyCmd) span(today time.Time) (from, to string, err error) {
	days := 30
	if h.Days != nil {
		days = *h.Days
	}
	switch {
	case h.Invoice != "" && (h.CSV || h.Days != nil):
		return "", "", usagef("--invoice is a CSV of one month: say neither --csv nor --days with it")
	case h.Invoice != "":
		month, err := time.Parse("2006-01", h.Invoice)
		if err != nil {
			return "", "", usagef("--invoice is %q; want a month like 2026-11", h.Invoice)
		}
		return month.Format(time.DateOnly), month.AddDate(0, 1, -1).Format(time.DateOnly), nil
	case days < 1 || days > ledger.HistoryDays:
		return "", "", usagef("--days is %d; want 1 to %d", days, ledger.HistoryDays)
	}
	return today.AddDate(0, 0, 1-days).Format(time.DateOnly), today.Format(time.DateOnly), nil
}

func (c *cli) showHistory(v api.History) error {
	t := newTable("day", ">you kept", ">it kept", ">in", ">out", ">there", ">audits good", ">failed", ">moved by them")
	for _, d := range append(v.Days, api.HistoryDay{Date: "sum", Deeds: v.Sum}) {
		t.add(d.Date, byteDays(d.Held), byteDays(d.Earned), potluck.Size(d.In), potluck.Size(d.Out), there(d.Deeds),
			d.AuditsGood, d.AuditsFailed, potluck.Size(d.AuditBytes))
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("kept: in bytes times days. %s", proofLine(v))
	return nil
}

// proofLine says whether what the peer keeps counts, and what that costs.
func proofLine(v api.History) string {
	p := v.Proof
	switch {
	case p.Lapsed:
		return fmt.Sprintf("What %s keeps for you counts no longer: nothing proves it since %s. The next good audit cures that.", v.Name, when(p.Proven))
	case p.Audits == 0:
		return fmt.Sprintf("%s keeps nothing for you that is audited.", v.Name)
	case p.Until == 0:
		return fmt.Sprintf("Proven until %s; asked for %s a day, at most %v.", when(p.Proven), plural(p.Audits, "piece"), p.AuditBytes)
	}
	return fmt.Sprintf("Proven until %s, counts until %s; asked for %s a day, at most %v.", when(p.Proven), when(p.Until), plural(p.Audits, "piece"), p.AuditBytes)
}

// byteDays turns byte-windows into bytes times days.
func byteDays(windows int64) potluck.Size { return potluck.Size(windows / ledger.DayWindows) }

func there(d ledger.Deeds) string {
	if d.Of == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d of %d", d.Seen, d.Of)
}

func historyLines(v api.History) [][]string {
	lines := [][]string{{"date", "held_byte_seconds", "earned_byte_seconds", "bytes_in", "bytes_out", "windows_seen", "windows_of", "audits_good", "audits_failed", "audit_bytes"}}
	for _, d := range append(v.Days, api.HistoryDay{Date: "sum", Deeds: v.Sum}) {
		line := []string{d.Date, byteSeconds(d.Held).String(), byteSeconds(d.Earned).String()}
		for _, n := range []int64{d.In, d.Out, d.Seen, d.Of, d.AuditsGood, d.AuditsFailed, d.AuditBytes} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		lines = append(lines, line)
	}
	return lines
}

// byteSeconds turns byte-windows into byte-seconds, which may need more than 63 bits.
func byteSeconds(windows int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(windows), big.NewInt(ledger.WindowSeconds))
}

// invoiceLines gives each day's byte-seconds, and the part that the paid term
// covered, as it was then.
func invoiceLines(v api.History) [][]string {
	lines := [][]string{{"peer", "name", "date", "held_byte_seconds", "paid_byte_seconds"}}
	for _, d := range append(v.Days, api.HistoryDay{Date: "sum"}) {
		line := []string{v.Peer.String(), v.Name, d.Date, byteSeconds(d.Held).String(), byteSeconds(d.Paid).String()}
		lines = append(lines, line)
	}
	held, paid := new(big.Int), new(big.Int) // the sum of a month may need more than 63 bits
	for _, d := range v.Days {
		held.Add(held, byteSeconds(d.Held))
		paid.Add(paid, byteSeconds(d.Paid))
	}
	last := lines[len(lines)-1]
	last[3], last[4] = held.String(), paid.String()
	return lines
}

// writeCSV prints lines as CSV. A cell that a spreadsheet would take for a formula
// is set in quotes of its own.
func (c *cli) writeCSV(lines [][]string) error {
	w := csv.NewWriter(c.out)
	for _, line := range lines {
		for i, cell := range line {
			line[i] = plainCell(escape(cell))
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// plainCell keeps a petname from being a formula.
func plainCell(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}
