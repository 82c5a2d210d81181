package testnet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger"
	"potluck/testnet"
)

// Nobody reads anything, and yet audits find what a host spoiled, and only that;
// who was there is measured meanwhile.
func TestAuditsFindWhatWasSpoiled(t *testing.T) {
	virtually(t, memory("owner", "good", "bad"), func(ctx context.Context, n *testnet.Net) error {
		owner, good, bad := n.Node("owner"), n.Node("good"), n.Node("bad")
		for i, host := range []*testnet.Member{good, bad} {
			r := api.PutRequest{K: 1, N: 1, Happy: 1, Hosts: []string{host.Peer().String()}}
			if _, err := owner.Put(ctx, randomBytes(100<<10, uint64(i)), r); err != nil {
				return err
			}
		}
		time.Sleep(24 * time.Hour)
		if err := good.Offline(); err != nil {
			return err
		}
		time.Sleep(24 * time.Hour)
		if err := good.Online(); err != nil {
			return err
		}
		if err := bad.Corrupt(); err != nil {
			return err
		}
		n.Unknown("bad")
		failed := 0
		for hours := 0; failed == 0; hours++ {
			if hours > 4*24 {
				return fmt.Errorf("nothing was found in four days")
			}
			time.Sleep(time.Hour)
			var err error
			if failed, err = accused(ctx, owner, bad); err != nil {
				return err
			}
		}
		h, err := owner.API().History(ctx, "bad", "", "")
		if err != nil || h.Sum.AuditsFailed != int64(failed) {
			return fmt.Errorf("%d shares failed, history says %+v, %v", failed, h.Sum, err)
		}
		if h, err = owner.API().History(ctx, "good", "", ""); err != nil {
			return err
		}
		d := h.Sum
		if d.AuditsFailed != 0 || d.AuditsGood < 1 || d.Of < 190 || d.Of-d.Seen < 90 || d.Of-d.Seen > 100 || h.Proof.Lapsed || d.Earned < 190*100<<10 {
			return fmt.Errorf("the good host, a day away, has %+v", h)
		}
		t.Logf("good host: %d of %d windows, %d audits of %v", d.Seen, d.Of, d.AuditsGood, potluck.Size(d.AuditBytes))
		return nil
	})
}

// accused counts the failed audits in a node's events: all of one host, with
// evidence.
func accused(ctx context.Context, owner, host *testnet.Member) (failed int, err error) {
	err = owner.API().Log(ctx, api.LogRequest{Evidence: true}, func(e api.Event) error {
		if e.Kind != ledger.KindAuditFailed {
			return nil
		}
		if failed++; e.Peer != host.Peer() || !json.Valid(e.Evidence) {
			return fmt.Errorf("event %+v accuses another, or has no evidence", e)
		}
		return nil
	})
	return failed, err
}
