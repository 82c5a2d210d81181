// Package sim runs friendnets of modelled nodes in virtual time: discrete events,
// one goroutine, one seed. What a node decides it decides as a real one does, by
// asking its own credit.Book and credit.Evaluate; only disks, lines and people
// are modelled.
//
// A run is a function of the scenario and the number of its replicate: the
// observer is told the same samples and records in the same order every time.
// Amounts are integers; floats stand only in what is drawn (sizes, sessions) and
// in what is reported.
//
// What a node is, is described at type node, what is kept of a pair of nodes at
// type link, and the order in which a node does its daily work at (*world).tend.
package sim
