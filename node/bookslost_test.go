package node

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"potluck/ledger"
	"potluck/shares"
)

// A host loses its books, all of them, and dies once more before anybody looks:
// no share is deleted. The next crawl adopts all from their headers, with leases
// that leave their owners time, and the owner has what it had.
func TestLostBooksDeleteNothing(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	hostConfig := config(t, "host")
	var time clock
	hostConfig.Clock = time.now
	hostConfig.CrawlShare = -1 // not before this test says so
	host, stop := start(t, hostConfig)
	befriend(t, host, owner)
	small, large := smallContent(t, 9<<10), makeContent(t, 700<<10)
	if _, err := small.store(t, owner, host); err != nil {
		t.Fatal(err)
	}
	large.put(t, owner, host)
	stop()
	if err := os.RemoveAll(filepath.Join(hostConfig.Data, "ledger")); err != nil {
		t.Fatal(err)
	}
	time.forward(2e9)
	_, stop = start(t, hostConfig)
	killed := clone(t, hostConfig.Data)
	stop()
	hostConfig.Data = killed
	host, _ = start(t, hostConfig)
	for _, c := range []content{small, large} {
		if _, err := host.store.Stat(t.Context(), c.id()); err != nil {
			t.Fatalf("a share is gone with the books: %v", err)
		}
	}
	if _, err := host.Crawl(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []content{small, large} {
		row, err := host.book.Share(t.Context(), c.id())
		if err != nil || row.State != ledger.ShareStable || row.Root != c.root || len(row.Leases) != 1 {
			t.Fatalf("the row is %+v, %v", row, err)
		}
		if until, least := row.Leases[0].Until, host.config.Clock().Add(59*24*hour).Unix(); until != 0 && until < least {
			t.Errorf("the lease ends at %d, want %d at least", until, least)
		}
	}
	befriend(t, host, owner)
	for _, c := range []content{small, large} {
		if _, err := c.allocate(t.Context(), owner, host); err != nil {
			t.Fatal(err)
		}
		if err := c.write(t, owner, host, shares.DataLen(c.layout)); err != nil { // it proves that it has them
			t.Fatal(err)
		}
		c.checkRead(t, owner, host)
	}
	wantHeld(t, host, owner, shares.Charge(small.layout)+shares.Charge(large.layout), 0)
	clean(t, host)
}

const hour = time.Hour
