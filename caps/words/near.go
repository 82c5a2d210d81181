package words

// farthest is how many letters may differ for a word to be named as near.
const farthest = 2

// nearest gives the word of the list that takes the fewest changes of letters,
// the first of several; "" when all take more than two.
func nearest(list []string, word string) string {
	if len(word) > 16 { // twice the longest
		return ""
	}
	best, found := farthest+1, ""
	for _, w := range list {
		if d := distance(word, w); d < best {
			best, found = d, w
		}
	}
	return found
}

// distance is the fewest letters to add, drop, replace or swap with the next
// that make b of a.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	var older []int
	for i := range len(a) {
		older, before = before, row
		row = make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(before[j+1]+1, row[j]+1, before[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
