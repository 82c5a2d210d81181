// Package credit decides who gets storage, and why: supply, demand, credit
// pointers and the flow between them, sponsors, admission, shortfalls and the
// ladder of sanctions. It is the pure half of CREDIT.md: no clock, no disk, no
// network, nothing but its arguments. Package ledger feeds it what is in the
// books; "credit eval" feeds it a file.
//
// Every known peer P has a supply (what D owes it or gives it) and a demand (what
// D holds for it). A pointer P→X is an arc through which supply may pass to X,
// up to the arc's capacity. The books are feasible when some flow covers every
// demand. A Book keeps one maximum flow and repairs it as peers and arcs change:
//
//	growth of a demand   own supply first, in O(1); else augmenting paths
//	                     backwards from that peer
//	release              the flow is taken back along the paths it came
//	fall of a supply     from scratch, if the flow doesn't fit any more
//
// Any maximum flow answers what is free. What people are shown (funding, carried
// bytes, shortfalls) must not depend on the history, so it is taken from the one
// canonical flow: the fewest hops in total, ties by older pointer, then by peer.
// It is computed when it is asked for and kept until the next change.
//
// All amounts are exact 128-bit integers inside; a potluck.Size that leaves the
// package saturates at math.MaxInt64.
package credit
