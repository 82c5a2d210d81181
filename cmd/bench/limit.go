package main

// costs are what the machine's stages cost, as measured in this run.
type costs struct {
	Cipher  float64 // CPU seconds per byte of the file
	Code    float64 // CPU seconds per byte of the file: encoding
	Decode  float64 // CPU seconds per byte of the file: rebuilding
	Hash    float64 // CPU seconds per byte hashed
	Stream  float64 // CPU seconds of both ends per byte streamed
	Request float64 // CPU seconds of both ends per request on a new stream
	Sync    float64 // wall seconds of one small durable append while all hosts append
	DiskPut float64 // wall seconds to write all shares durably, all hosts at once
	DiskGet float64 // wall seconds to write the file durably

	DiskPutCPU, DiskGetCPU float64 // CPU seconds of the kernel for these; not part of the limit
}

// stage is one line of the arithmetic.
type stage struct {
	Name    string
	Bytes   float64 // handled
	Rate    float64 // bytes per CPU second
	Seconds float64 // CPU seconds in all
}

// limit is the least time that a path can take on this machine.
type limit struct {
	Stages []stage
	Cores  int
	CPU    float64 // sum of the stages, seconds
	Disk   float64 // wall seconds of the disk alone
	Kernel float64 // CPU seconds of the kernel for the disk; not part of the limit
}

// Seconds is the limit: the stages share the cores, the disk works beside them,
// and the slower of the two decides.
func (l limit) Seconds() float64 { return max(l.CPU/float64(l.Cores), l.Disk) }

func newLimit(cores int, disk, kernel float64, stages ...stage) limit {
	l := limit{Stages: stages, Cores: cores, Disk: disk, Kernel: kernel}
	for i := range l.Stages {
		s := &l.Stages[i]
		if s.Seconds > 0 {
			s.Rate = s.Bytes / s.Seconds
		}
		l.CPU += s.Seconds
	}
	return l
}

// putLimit: the file is encrypted and encoded once, and n/k times its bytes are
// hashed by the owner, streamed, and hashed again by the hosts.
func putLimit(c costs, size float64, k, n, cores int) limit {
	spread := size * float64(n) / float64(k)
	return newLimit(cores, c.DiskPut, c.DiskPutCPU,
		stage{Name: "cipher, once", Bytes: size, Seconds: size * c.Cipher},
		stage{Name: "Reed-Solomon, once", Bytes: size, Seconds: size * c.Code},
		stage{Name: "BLAKE3, both sides", Bytes: 2 * spread, Seconds: 2 * spread * c.Hash},
		stage{Name: "libp2p stream, both ends", Bytes: spread, Seconds: spread * c.Stream})
}

// getLimit: k shares, together as long as the file, are streamed and checked
// once, and the file is rebuilt and decrypted. Hosts keep their trees, so they
// hash nothing.
func getLimit(c costs, size float64, cores int) limit {
	return newLimit(cores, c.DiskGet, c.DiskGetCPU,
		stage{Name: "cipher, once", Bytes: size, Seconds: size * c.Cipher},
		stage{Name: "Reed-Solomon, once", Bytes: size, Seconds: size * c.Decode},
		stage{Name: "BLAKE3, reader", Bytes: size, Seconds: size * c.Hash},
		stage{Name: "libp2p stream, both ends", Bytes: size, Seconds: size * c.Stream})
}

// smallLimit is for one small file: one request to each host, and three durable
// appends one after the other (bytes, the host's books, the owner's books).
func smallLimit(c costs, hosts, cores int) limit {
	requests := float64(hosts)
	return newLimit(cores, 3*c.Sync, 0, stage{Name: "requests", Bytes: requests, Seconds: requests * c.Request})
}
