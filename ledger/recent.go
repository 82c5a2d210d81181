package ledger

// recentRows is how many rows one generation of recent holds. Two of them cover
// what the uploads that are under way need, in about 2 MiB.
const recentRows = 4096

// recent keeps rows that were written or read of late: a share is reserved,
// committed and perhaps cancelled within moments, and counters are needed always.
// The batcher alone writes to the database, so what it remembers is right. It
// forgets a whole generation at a time.
type recent struct {
	young, old map[string][]byte // nil: there is no such row
}

func (r *recent) get(key []byte) (value []byte, known bool) {
	if v, ok := r.young[string(key)]; ok {
		return v, true
	}
	v, ok := r.old[string(key)]
	if ok {
		r.put(string(key), v)
	}
	return v, ok
}

// put keeps a row as it is now. Every write of a kind that is kept must come here:
// one that was forgotten is read from the database, one that is stale would be wrong.
func (r *recent) put(key string, value []byte) {
	switch key[0] {
	case keyAccount, keyUsage, keyTotals, keyShare, keyLease, keyPlacement, keyRate, keyRange:
	default:
		return
	}
	if r.young == nil || len(r.young) >= recentRows {
		r.old, r.young = r.young, make(map[string][]byte)
	}
	r.young[key] = value
}
