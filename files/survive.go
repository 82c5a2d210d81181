package files

// Chance is the probability that a file can be read at a moment taken at random,
// and how many places may go before it can't be read at all.
type Chance struct {
	// Survives is how many of the places may go, whichever they are, so that the
	// file stays readable from the rest; -1: it isn't readable from all of them.
	Survives int `json:"survives"`
	// Readable is the probability, from 0 to 1, that enough places are there, if
	// each is there as often as it was measured to be, independently of the others.
	Readable float64 `json:"readable"`
	// Exact is false where so many places hold the same numbers that the figures
	// are bounds: the truth is no less.
	Exact bool `json:"exact"`
}
