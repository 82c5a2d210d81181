package credit

import (
	"math"
	"math/bits"
	"strconv"

	"potluck"
)

// amount is a number of bytes in 128 bits. What is real is far below endless:
// the supply of one peer is under 2^74, that of 2^32 peers under 2^106.
type amount struct{ hi, lo uint64 }

// endless is the capacity of an arc without bounds. Sums stop there.
var endless = amount{hi: 1 << 62}

func amountOf(n potluck.Size) amount { return amount{lo: uint64(max(0, n))} }

func (a amount) isZero() bool { return a.hi|a.lo == 0 }

func (a amount) less(b amount) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// plus is at most endless; both are.
func (a amount) plus(b amount) amount {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return least(amount{hi, lo}, endless)
}

// minus is a-b, or 0 when b is more.
func (a amount) minus(b amount) amount {
	if a.less(b) {
		return amount{}
	}
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return amount{hi, lo}
}

func least(a, b amount) amount {
	if b.less(a) {
		return b
	}
	return a
}

func most(a, b amount) amount {
	if a.less(b) {
		return b
	}
	return a
}

// times is a×m, at most endless.
func (a amount) times(m uint64) amount {
	over, hi := bits.Mul64(a.hi, m)
	carry, lo := bits.Mul64(a.lo, m)
	hi, c := bits.Add64(hi, carry, 0)
	if over+c > 0 {
		return endless
	}
	return least(amount{hi, lo}, endless)
}

// over is floor(a÷d) and what is left; d isn't 0.
func (a amount) over(d uint64) (amount, uint64) {
	hi, rest := a.hi/d, a.hi%d
	lo, rest := bits.Div64(rest, a.lo, d)
	return amount{hi, lo}, rest
}

// overUp is ceil(a÷d).
func (a amount) overUp(d uint64) amount {
	q, rest := a.over(d)
	if rest > 0 {
		q = q.plus(amount{lo: 1})
	}
	return q
}

// part is floor(a×ppm÷1000000).
func (a amount) part(ppm int64) amount {
	q, _ := a.times(uint64(max(0, ppm))).over(million)
	return q
}

// size is the amount as far as a Size goes.
func (a amount) size() potluck.Size {
	if a.hi > 0 || a.lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return potluck.Size(a.lo)
}

// appendTo writes the amount in decimal.
func (a amount) appendTo(text []byte) []byte {
	const chunk = 1_000_000_000_000_000_000 // 10^18
	if a.hi == 0 {
		return strconv.AppendUint(text, a.lo, 10)
	}
	q, rest := a.over(chunk)
	text = q.appendTo(text)
	digits := strconv.FormatUint(rest, 10)
	for range 18 - len(digits) {
		text = append(text, '0')
	}
	return append(text, digits...)
}

// supplyOf is floor(ratio × earned) + gift + opening + paid (CREDIT.md, section 3).
func supplyOf(p *Peer) amount {
	return amountOf(p.Earned).part(p.RatioPPM).plus(fixedOf(p))
}

// fixedOf is the part of the supply that asks nothing in return.
func fixedOf(p *Peer) amount {
	return amountOf(p.Gift).plus(amountOf(p.Opening)).plus(amountOf(p.Paid))
}

func demandOf(p *Peer) amount {
	return amountOf(p.Held).plus(amountOf(p.Reserved)).plus(amountOf(p.Loans))
}
