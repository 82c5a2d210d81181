package node

import (
	"fmt"
	"strings"

	"potluck"
)

// needs says what a peer could add here, or what it would need for that.
func (s serving) needs() string {
	if s.Refusal == nil {
		return fmt.Sprintf("%s could add %s here", s.Name, amount(s.Free))
	}
	text := s.Name + " can add nothing here: " + because(itsNo, s.Refusal.Code, s.Step)
	if s.Refusal.Code == potluck.CodeDenied {
		return text + fmt.Sprintf("; \"potluck accept %s\" ends that", s.Name)
	}
	return text + could("it", itsWays, s.Refusal.Cures)
}

// needs says what this node could add at another one, or what it would need for
// that.
func (c CreditAt) needs() string {
	switch {
	case !c.Known:
		return "what you could add at " + c.Name + " isn't known"
	case c.Refusal == nil:
		return fmt.Sprintf("you could add %s at %s", amount(c.Free), c.Name)
	}
	return "you can add nothing at " + c.Name + ": " + because(yourNo, c.Refusal.Code, c.Step) + could("you", yourWays, c.Refusal.Cures)
}

// itsNo says why this node refuses a peer, yourNo why a peer refuses this node.
var (
	itsNo = map[potluck.Code]string{
		potluck.CodeNotAFriend: "it is no friend of yours, and no friend points credit to it",
		potluck.CodeDenied:     "you deny it",
		potluck.CodeUnfunded:   "all the credit that it has here is used",
		potluck.CodeNoRoom:     "your node has no room left",
		potluck.CodeRate:       "it has added as much as it may in a day",
	}
	yourNo = map[potluck.Code]string{
		potluck.CodeNotAFriend: "you are no friend of it, and no friend of it points credit to you",
		potluck.CodeDenied:     "its operator takes nothing new from you",
		potluck.CodeUnfunded:   "all the credit that you have there is used",
		potluck.CodeNoRoom:     "it has no room left",
		potluck.CodeRate:       "you have added as much as you may in a day",
	}
)

func because(reasons map[potluck.Code]string, code potluck.Code, step string) string {
	if text, ok := reasons[code]; ok {
		return text
	}
	if code == potluck.CodeFrozen {
		return "the standing is " + step + ", and nothing new is taken until it is better"
	}
	return string(code)
}

// itsWays are a peer's ways out of a refusal of this node, yourWays this node's
// out of one of a peer: without an amount, and with one.
var (
	itsWays = map[potluck.CureKind][2]string{
		potluck.CureBefriend: {"accept an invite from you"},
		potluck.CureHold:     {"hold more for you", "hold %v more for you"},
		potluck.CurePointer:  {"get a pointer from a friend of yours", "get a pointer of %v from a friend of yours"},
		potluck.CureAskHost:  {"get a larger gift or opening from you"},
		potluck.CureFree:     {"remove some of what it has here", "remove %v of what it has here"},
		potluck.CureOffer:    {"add more once you offer more", "add more once you offer %v more"},
		potluck.CureWait:     {"try again later"},
	}
	yourWays = map[potluck.CureKind][2]string{
		potluck.CureBefriend: {"accept an invite from it"},
		potluck.CureHold:     {"hold more for it", "hold %v more for it"},
		potluck.CurePointer:  {"get a pointer from a friend of it", "get a pointer of %v from a friend of it"},
		potluck.CureAskHost:  {"ask its operator for other terms"},
		potluck.CureFree:     {"remove some of what you have there", "remove %v of what you have there"},
		potluck.CureOffer:    {"add more once it offers more", "add more once it offers %v more"},
		potluck.CureWait:     {"try again later"},
	}
)

// could names the ways out of a refusal. It answers an ask of one byte, so a
// cure of one byte stands for any amount.
func could(who string, words map[potluck.CureKind][2]string, cures []potluck.Cure) string {
	var ways []string
	for _, c := range cures {
		way, ok := words[c.Kind]
		switch {
		case !ok:
			ways = append(ways, c.String())
		case c.Bytes > 1 && way[1] != "":
			ways = append(ways, fmt.Sprintf(way[1], c.Bytes))
		default:
			ways = append(ways, way[0])
		}
	}
	if len(ways) == 0 {
		return ""
	}
	return "; " + who + " could " + strings.Join(ways, ", or ")
}
