// Package p2p is a node's place on the network: a libp2p host that lets friends
// in and nobody else, the messages that nodes exchange, and the two halves,
// client and server, of each protocol.
//
// docs/spec/wire.md has every byte.
package p2p
