package p2p

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"
)

// MaxAudience is how many tags an AudienceRequest has at most.
const MaxAudience = 1 << 12

// Tag stands for a peer under one salt. It tells who that is to those alone who
// know the peer already.
type Tag [16]byte

// AudienceRequest says who may see the statements between the asker and the asked
// one: the asker's consent (CREDIT.md, section 8). It replaces the one before.
type AudienceRequest struct {
	Salt [16]byte // drawn anew for each request
	Tags []Tag    // at most MaxAudience; ascending, each once. Some may stand for nobody
}

const audienceContext = "potluck audience 1: tag"

// TagOf gives the tag of a reader in an audience that asker tells asked.
func TagOf(salt [16]byte, asker, asked, reader peer.ID) (t Tag) {
	material := slices.Clone(salt[:])
	for _, p := range []peer.ID{asker, asked, reader} {
		material = append(append(material, byte(len(p))), p...)
	}
	blake3.DeriveKey(audienceContext, material, t[:])
	return t
}

// Has tells whether the audience that asker told asked has a reader in it.
func (a AudienceRequest) Has(asker, asked, reader peer.ID) bool {
	_, found := slices.BinarySearchFunc(a.Tags, TagOf(a.Salt, asker, asked, reader), Tag.compare)
	return found
}

func (t Tag) compare(other Tag) int { return bytes.Compare(t[:], other[:]) }

// Sort puts tags into the order of a request, each once.
func (a *AudienceRequest) Sort() {
	slices.SortFunc(a.Tags, Tag.compare)
	a.Tags = slices.Compact(a.Tags)
}

// Validate tells whether every field lies in its range.
func (a AudienceRequest) Validate() error {
	if len(a.Tags) > MaxAudience {
		return fmt.Errorf("audience: %d tags, at most %d are allowed", len(a.Tags), MaxAudience)
	}
	for i := 1; i < len(a.Tags); i++ {
		if a.Tags[i-1].compare(a.Tags[i]) >= 0 {
			return fmt.Errorf("audience: tags %d and %d are not ascending", i-1, i)
		}
	}
	return nil
}

// AudienceResponse says that from now on it is heeded.
type AudienceResponse struct{}

// Validate has nothing to tell.
func (AudienceResponse) Validate() error { return nil }

// Audience tells p who may see the statements between it and this node.
func (h *Host) Audience(ctx context.Context, p peer.ID, a AudienceRequest) (AudienceResponse, error) {
	return ask[AudienceResponse](ctx, h, p, exchangeAudience, a)
}

// wireAudience has the tags one behind the other.
type wireAudience struct {
	Salt [16]byte `cbor:"1,keyasint"`
	Tags []byte   `cbor:"2,keyasint"`
}

// MarshalCBOR gives the wire form.
func (a AudienceRequest) MarshalCBOR() ([]byte, error) {
	w := wireAudience{Salt: a.Salt, Tags: make([]byte, 0, len(a.Tags)*len(Tag{}))}
	for _, t := range a.Tags {
		w.Tags = append(w.Tags, t[:]...)
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (a *AudienceRequest) UnmarshalCBOR(data []byte) error {
	var w wireAudience
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	if len(w.Tags)%len(Tag{}) != 0 {
		return fmt.Errorf("audience: %d bytes, not a whole number of tags", len(w.Tags))
	}
	*a = AudienceRequest{Salt: w.Salt, Tags: make([]Tag, 0, len(w.Tags)/len(Tag{}))}
	for t := range slices.Chunk(w.Tags, len(Tag{})) {
		a.Tags = append(a.Tags, Tag(t))
	}
	return nil
}
