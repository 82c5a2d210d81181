package main

import (
	"fmt"

	"potluck"
)

// Figures of other programs on the same work, for comparison. They come from
// another run on the same kind of machine (two cores, loopback, storage in
// memory without a cost of syncing), medians, November 2026.
const measuredElsewhere = " (measured elsewhere on the same kind of machine, 2026-11)"

var peers = map[string]string{
	"3-of-10/small":   "Tahoe-LAFS 1.20: 6.4 files/s" + measuredElsewhere,
	"3-of-10/put":     "Tahoe-LAFS 1.20: 40.6 s" + measuredElsewhere,
	"3-of-10/get":     "Tahoe-LAFS 1.20: 20.5 s" + measuredElsewhere,
	"3-of-10/put/cpu": "Tahoe-LAFS 1.20: 48 CPU s" + measuredElsewhere,
	"3-of-10/get/cpu": "Tahoe-LAFS 1.20: 24 CPU s" + measuredElsewhere,
	"2-of-4/put":      "MinIO EC 2+2, not encrypted: 4.58 s" + measuredElsewhere,
	"2-of-4/get":      "MinIO EC 2+2, not encrypted: 1.70 s" + measuredElsewhere,
	"2-of-4/put/cpu":  "MinIO EC 2+2, not encrypted: 8.9 CPU s" + measuredElsewhere,
	"2-of-4/get/cpu":  "MinIO EC 2+2, not encrypted: 2.7 CPU s" + measuredElsewhere,
	"1-of-1/put":      "Syncthing 2.1 to an untrusted device: 3.81 s" + measuredElsewhere,
	"1-of-1/get":      "Syncthing 2.1, a third device restores: 4.2 s" + measuredElsewhere,
	"1-of-1/put/cpu":  "Syncthing 2.1 to an untrusted device: 4.6 CPU s" + measuredElsewhere,
}

// work names the way of spreading, if every host gets one share.
func (b *bench) work() string {
	if b.Hosts != b.N {
		return ""
	}
	return fmt.Sprintf("%d-of-%d", b.K, b.N)
}

// addPeers adds the figures of others to rows of the same work on 1 GiB.
func (b *bench) addPeers(rows []row) {
	if potluck.Size(b.Size) != potluck.GiB {
		return
	}
	for i := range rows {
		if note, ok := peers[b.work()+"/"+rows[i].Name]; ok {
			rows[i].Note = note
		}
	}
}
