// Package testnet runs whole friendnets on one machine: real nodes, real
// connections over loopback, real books and shares on disk.
//
// There are two kinds. [Processes] starts each node as a process of the potluck
// program, which can be killed and measured like any other process. [Run] keeps
// all nodes in the caller's process and tells a story with them. Both speak to
// their nodes through the same local API as the command line does, and [Check]
// holds every such net against the same invariants.
package testnet
