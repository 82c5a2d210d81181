// Package testnet runs whole friendnets on one machine: real nodes, real books and
// shares on disk.
//
// There are two kinds. [Processes] starts each node as a process of the potluck
// program, which can be killed and measured like any other process. [Run] keeps
// all nodes in the caller's process and tells a story with them: over loopback, or
// over a network in memory, with lines that are slow, lose packets and can be cut,
// and inside of testing/synctest in virtual time. A [Hand] is such a net that is
// kept for a person to play with. All speak to
// their nodes through the same local API as the command line does, and [Check]
// holds every such net against the same invariants.
package testnet
