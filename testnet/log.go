package testnet

import (
	"io"
	"os"
	"path/filepath"
)

// LogFile is where everything that the process prints goes, run after run.
func (p *Process) LogFile() string { return filepath.Join(p.net.c.Dir, p.Name+".log") }

// LogTail gives up to so many bytes of the log's end.
func (p *Process) LogTail(bytes int64) string {
	f, err := os.Open(p.LogFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > bytes {
		if _, err := f.Seek(-bytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, bytes))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
