package p2p

import "potluck"

// firstErrorCode parts the numbers of refusal codes from those of errors.
const firstErrorCode = 32

// codeNumbers is the closed table of codes on the wire. Numbers are never used
// again; a new one needs a new protocol version.
var codeNumbers = map[Code]uint8{
	Code(potluck.CodeNotAFriend):    1,
	Code(potluck.CodeDenied):        2,
	Code(potluck.CodeFrozen):        3,
	Code(potluck.CodeNoRoom):        4,
	Code(potluck.CodeUnfunded):      5,
	Code(potluck.CodeRate):          6,
	Code(potluck.CodeAnonymousFull): 7,
	CodeBadRequest:                  32,
	CodeTooLarge:                    33,
	CodeNotFound:                    34,
	CodeConflict:                    35,
	CodeBusy:                        36,
	CodeDamaged:                     37,
	CodeNoSuchInvite:                38,
	CodeInviteUsed:                  39,
	CodeInviteExpired:               40,
	CodeInviteRevoked:               41,
	CodeUnsupported:                 42,
	CodeInternal:                    43,
}

// cureNumbers is the closed table of cures on the wire.
var cureNumbers = map[potluck.CureKind]uint8{
	potluck.CureBefriend: 1,
	potluck.CureHold:     2,
	potluck.CurePointer:  3,
	potluck.CureAskHost:  4,
	potluck.CureFree:     5,
	potluck.CureOffer:    6,
	potluck.CureWait:     7,
}

var (
	codesByNumber = invert(codeNumbers)
	curesByNumber = invert(cureNumbers)
)

func invert[K comparable](m map[K]uint8) map[uint8]K {
	out := make(map[uint8]K, len(m))
	for k, n := range m {
		out[n] = k
	}
	return out
}
