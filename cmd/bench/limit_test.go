package main

import (
	"math"
	"testing"
)

// The costs of one machine of two cores, in seconds per GiB.
const gib = 1 << 30

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPutLimitIsTheSumOverTheCores(t *testing.T) {
	c := costs{Cipher: 1.0 / gib, Code: 0.1 / gib, Hash: 0.3 / gib, Stream: 1.5 / gib, DiskPut: 1.6}
	l := putLimit(c, gib, 3, 9, 2)
	near(t, "CPU", l.CPU, 1.0+0.1+2*3*0.3+3*1.5)
	near(t, "limit", l.Seconds(), (1.0+0.1+1.8+4.5)/2)
	near(t, "rate of the stream", l.Stages[3].Rate, gib/1.5)
}

func TestSlowerDiskDecides(t *testing.T) {
	c := costs{Cipher: 1.0 / gib, DiskPut: 9}
	near(t, "limit", putLimit(c, gib, 1, 1, 2).Seconds(), 9)
}

func TestGetMovesTheFileOnce(t *testing.T) {
	c := costs{Cipher: 1.0 / gib, Decode: 0.2 / gib, Hash: 0.3 / gib, Stream: 1.5 / gib, DiskGet: 0.5}
	near(t, "limit", getLimit(c, gib, 2).Seconds(), 1.5)
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{[]float64{5}, 5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		near(t, "median", median(c.in), c.want)
	}
}

func TestShareOfTheLimit(t *testing.T) {
	near(t, "seconds", row{Value: 4, Limit: 3, Unit: "s"}.ratio(), 0.75)
	near(t, "rate", row{Value: 80, Limit: 100, Unit: "files/s", More: true}.ratio(), 0.8)
	near(t, "none", row{Value: 80, Unit: "s"}.ratio(), 0)
}
