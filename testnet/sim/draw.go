package sim

import (
	"math"

	"potluck"
)

// lognormal draws a size whose mean is mean and whose logarithm spreads by sigma.
func (w *world) lognormal(mean potluck.Size, sigma float64) potluck.Size {
	if sigma == 0 {
		return mean
	}
	x := float64(mean) * math.Exp(sigma*w.rng.NormFloat64()-sigma*sigma/2)
	return potluck.Size(min(x, float64(potluck.MaxSize/1024)))
}

// weibull draws seconds, at least one, with the mean and shape given.
func (w *world) weibull(mean int64, shape float64) int64 {
	x := w.rng.ExpFloat64()
	if shape != 0 && shape != 1 {
		x = math.Pow(x, 1/shape) / math.Gamma(1+1/shape)
	}
	return max(1, int64(min(x*float64(mean), 100*year)))
}

// wait draws seconds until something that comes rate times a year; 0 for never.
func (w *world) wait(rate float64) int64 {
	if rate <= 0 {
		return 0
	}
	return max(1, int64(min(w.rng.ExpFloat64()/rate*year, 1000*year)))
}

// hour gives the next time after now when it is about so late at a node; about is
// within an hour.
func (w *world) hour(hour, zone int) int64 {
	local := int64(hour-zone) * 3600
	at := w.now - (w.now%day-local%day+2*day)%day + day
	return max(w.now+1, at+w.rng.Int64N(7200)-3600)
}
