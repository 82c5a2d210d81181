package disk

import (
	"encoding/hex"
	"path"
	"strconv"
	"strings"

	"potluck"
)

const (
	incomingDir = "incoming"
	damagedDir  = "damaged"
	treeSuffix  = ".tree"
)

func shareName(id potluck.ShareID) string {
	return id.Index.String() + "." + strconv.Itoa(int(id.Number))
}

func incomingName(id potluck.ShareID) string { return incomingDir + "/" + shareName(id) }

// treeName is where the tree of an incoming share is saved.
func treeName(id potluck.ShareID) string { return incomingName(id) + treeSuffix }

func damagedName(id potluck.ShareID) string { return damagedDir + "/" + shareName(id) }

// shard is the directory of complete shares whose index begins with a byte.
func shard(first byte) string { return hex.EncodeToString([]byte{first}) }

func completeName(id potluck.ShareID) string { return shard(id.Index[0]) + "/" + shareName(id) }

// parent is the directory of a name beneath the store's.
func parent(name string) string { return path.Dir(name) }

// parseName reads the one form of a share's file name.
func parseName(name string) (id potluck.ShareID, ok bool) {
	index, number, _ := strings.Cut(name, ".")
	x, err := potluck.ParseStorageIndex(index)
	if err != nil {
		return id, false
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil {
		return id, false
	}
	id = potluck.ShareID{Index: x, Number: potluck.ShareNumber(n)}
	return id, shareName(id) == name
}
