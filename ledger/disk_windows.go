package ledger

import "os"

// lockDir opens the lock file; Badger's own lock keeps a second process out.
func lockDir(dir string) (*os.File, error) {
	return os.OpenFile(dir+`\lock`, os.O_CREATE|os.O_RDWR, 0o600)
}
