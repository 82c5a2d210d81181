package p2p

// JoinRequest accepts an invite.
type JoinRequest struct {
	Invite [16]byte `cbor:"1,keyasint"` // Invite.ID()
	Proof  [32]byte `cbor:"2,keyasint"` // Invite.Proof(the asker)
	Name   string   `cbor:"3,keyasint"` // what the joiner calls itself
	Terms  Terms    `cbor:"4,keyasint"` // what the joiner offers the inviter
	Addrs  []string `cbor:"5,keyasint"` // where the joiner listens, at most MaxAddrs
}

// Validate tells whether every field lies in its range.
func (j JoinRequest) Validate() error {
	return checkHello(j.Name, j.Terms, j.Addrs)
}

// JoinResponse tells the joiner about its new friend.
type JoinResponse struct {
	Name  string   `cbor:"1,keyasint"`
	Terms Terms    `cbor:"2,keyasint"` // what the inviter offers the joiner
	Addrs []string `cbor:"3,keyasint"`
}

// Validate tells whether every field lies in its range.
func (j JoinResponse) Validate() error {
	return checkHello(j.Name, j.Terms, j.Addrs)
}

func checkHello(name string, t Terms, addrs []string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := t.Validate(); err != nil {
		return err
	}
	return checkAddrs(addrs)
}
