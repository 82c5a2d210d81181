package durable

// SyncDir does nothing: Windows has no call for it, and NTFS writes the names
// to its journal by itself.
func SyncDir(string) error { return nil }
