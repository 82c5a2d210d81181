// Package p2p is a node's place on the network: a libp2p host that lets friends,
// and whom they vouch for, in and nobody else; the messages that nodes exchange;
// and the two halves, client and server, of each protocol. docs/spec/wire.md has
// every byte.
//
// A Host is made of a node key and four ports: a Gate, which says who may come
// in, a Keeper, which answers about shares, a Clerk, which answers about credit,
// and a Greeter, which answers joiners. Each exchange has a stream of its own:
// one request, one answer, and for Write and Read raw bytes behind one of them.
//
// What comes from a peer is bounded before it is parsed and checked before it
// is used: a message has a ceiling and one encoding, every wait has an end, and
// a handler that fails or panics takes nothing but its own stream along. What
// goes to a peer is a message, a refusal with its numbers, or a code of a closed
// table; the text of an error stays in this node's log.
//
// Memory: byte slices that are passed in are borrowed until the call returns;
// those that are returned belong to the caller.
package p2p
