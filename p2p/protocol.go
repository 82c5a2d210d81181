package p2p

import "github.com/libp2p/go-libp2p/core/protocol"

// The protocols. A stream carries one request and one answer of one protocol.
const (
	ProtocolQuote    protocol.ID = "/potluck/quote/1"
	ProtocolAllocate protocol.ID = "/potluck/allocate/1"
	ProtocolWrite    protocol.ID = "/potluck/write/1"
	ProtocolStore    protocol.ID = "/potluck/store/1"
	ProtocolRead     protocol.ID = "/potluck/read/1"
	ProtocolSliver   protocol.ID = "/potluck/sliver/1"
	ProtocolHave     protocol.ID = "/potluck/have/1"
	ProtocolCancel   protocol.ID = "/potluck/cancel/1"
	ProtocolRenew    protocol.ID = "/potluck/renew/1"
	ProtocolJoin     protocol.ID = "/potluck/join/1"

	ProtocolDeliver   protocol.ID = "/potluck/deliver/1"
	ProtocolSync      protocol.ID = "/potluck/sync/1"
	ProtocolStatement protocol.ID = "/potluck/statement/1"
	ProtocolAccount   protocol.ID = "/potluck/account/1"
	ProtocolNotice    protocol.ID = "/potluck/notice/1"
	ProtocolLoss      protocol.ID = "/potluck/loss/1"
	ProtocolAudience  protocol.ID = "/potluck/audience/1"
	ProtocolRanges    protocol.ID = "/potluck/ranges/1"
	ProtocolList      protocol.ID = "/potluck/list/1"
)

// exchange is what one protocol allows.
type exchange struct {
	id      protocol.ID
	request int  // ceiling of the request, bytes
	answer  int  // ceiling of the answer with its envelope, bytes
	durable bool // the answer waits for a disk: Limits.Answer instead of ControlIdle
}

// The table of exchanges. Ceilings hold the largest valid message; a test
// compares them. The least answer ceiling is that of an error with all cures.
var (
	exchangeQuote    = exchange{ProtocolQuote, 64, 1 << 10, false}
	exchangeAllocate = exchange{ProtocolAllocate, 2 << 10, 32 << 10, true}
	exchangeWrite    = exchange{ProtocolWrite, 1 << 10, 1 << 10, true}
	exchangeStore    = exchange{ProtocolStore, 66 << 10, 1 << 10, true}
	exchangeRead     = exchange{ProtocolRead, 128, 512, false}
	exchangeSliver   = exchange{ProtocolSliver, 64, 72 << 10, false}
	exchangeHave     = exchange{ProtocolHave, 8 << 10, 1 << 20, false}
	exchangeCancel   = exchange{ProtocolCancel, 32 << 10, 512, true}
	exchangeRenew    = exchange{ProtocolRenew, 64, 512, true}
	exchangeJoin     = exchange{ProtocolJoin, 8 << 10, 8 << 10, true}

	exchangeDeliver   = exchange{ProtocolDeliver, 544 << 10, 512, true}
	exchangeSync      = exchange{ProtocolSync, 100 << 10, 264 << 10, false}
	exchangeStatement = exchange{ProtocolStatement, 1088, 1280, true}
	exchangeAccount   = exchange{ProtocolAccount, 64, 8 << 10, false}
	exchangeNotice    = exchange{ProtocolNotice, 1280, 512, true}
	exchangeLoss      = exchange{ProtocolLoss, 32 << 10, 512, true}
	exchangeAudience  = exchange{ProtocolAudience, 65 << 10, 512, false}
	exchangeRanges    = exchange{ProtocolRanges, 10 << 10, 10 << 10, true}
	exchangeList      = exchange{ProtocolList, 64, 68 << 10, true}
)
