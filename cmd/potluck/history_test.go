package main

import (
	"bytes"
	"encoding/csv"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger"
)

func TestHistorySpan(t *testing.T) {
	today := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	for _, c := range []struct {
		cmd      historyCmd
		from, to string
	}{
		{historyCmd{}, "2026-01-31", "2026-03-01"},
		{historyCmd{Days: new(1)}, "2026-03-01", "2026-03-01"},
		{historyCmd{Days: new(2), CSV: true}, "2026-02-28", "2026-03-01"},
		{historyCmd{Invoice: "2024-02"}, "2024-02-01", "2024-02-29"},
		{historyCmd{Invoice: "2025-12"}, "2025-12-01", "2025-12-31"},
	} {
		if from, to, err := c.cmd.span(today); err != nil || from != c.from || to != c.to {
			t.Errorf("%+v: %s to %s, %v; want %s to %s", c.cmd, from, to, err, c.from, c.to)
		}
	}
	for _, wrong := range []historyCmd{{Days: new(0)}, {Days: new(-1)}, {Days: new(401)}, {Invoice: "2026"}, {Invoice: "2026-13"}, {Invoice: "2026-02", CSV: true}, {Invoice: "2026-02", Days: new(3)}} {
		if _, _, err := wrong.span(today); err == nil || exitCode(err) != exitUsage {
			t.Errorf("%+v: %v, want a mistake of usage", wrong, err)
		}
	}
}

// A month's invoice sums to the byte, also beyond 63 bits, by the terms of each day,
// whatever they are now.
func TestInvoice(t *testing.T) {
	v := api.History{Peer: peer.ID("x"), Name: "=carol", Paid: 7, Days: []api.HistoryDay{
		{Date: "2026-11-01", Deeds: ledger.Deeds{Held: 96 * 400, Paid: 96 * 400}},       // below the term
		{Date: "2026-11-02", Deeds: ledger.Deeds{Held: 96 * 3000, Paid: 48 * 1000}},     // above, for half a day
		{Date: "2026-11-03", Deeds: ledger.Deeds{Held: math.MaxInt64}},                  // after it
		{Date: "2026-11-04", Deeds: ledger.Deeds{Held: math.MaxInt64, Paid: 96, Of: 1}}, // another one
	}}
	var out bytes.Buffer
	c := &cli{streams: streams{out: &out}}
	if err := c.writeCSV(invoiceLines(v)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatal(rows, err)
	}
	want := [][2]string{{"34560000", "34560000"}, {"259200000", "43200000"}, {"8301034833169298226300", "0"}, {"8301034833169298226300", "86400"},
		{"16602069666338890212600", "77846400"}}
	for i, w := range want {
		if got := rows[i+1]; got[1] != "'=carol" || got[3] != w[0] || got[4] != w[1] {
			t.Errorf("line %d: %q, want %q", i+1, got, w)
		}
	}
	if rows[5][2] != "sum" || rows[0][4] != "paid_byte_seconds" {
		t.Errorf("%q", rows)
	}
}

func TestShowHistory(t *testing.T) {
	var out bytes.Buffer
	c := &cli{streams: streams{out: &out}}
	v := api.History{Name: "bob\x1b[2J", Days: []api.HistoryDay{{Date: "2026-11-01", Deeds: ledger.Deeds{Held: 96 * int64(potluck.GiB), Seen: 48, Of: 96, AuditsGood: 66, AuditBytes: 17 << 20}}}}
	v.Sum = v.Days[0].Deeds
	v.Proof.Proven, v.Proof.Until, v.Proof.Audits, v.Proof.AuditBytes = 1_800_000_000, 1_801_209_600, 66, 17*potluck.MiB
	if err := c.showHistory(v); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"1 GiB", "48 of 96", "66", "17 MiB", "counts until 2027-01-29", "66 pieces a day, at most 17 MiB"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q isn't in\n%s", part, out.String())
		}
	}
	v.Proof.Lapsed = true
	if line := proofLine(v); !strings.Contains(line, "counts no longer") {
		t.Error(line)
	}
	v.Proof = api.ProofView{}
	if line := proofLine(v); !strings.Contains(line, "nothing for you") {
		t.Error(line)
	}
	out.Reset()
	if err := c.writeCSV(historyLines(v)); err != nil || !strings.Contains(out.String(), "2026-11-01,92771293593600,0,0,0,48,96,66,0,17825792") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
