package testdisk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Disk is a file system of a test's own. It belongs to one goroutine.
type Disk struct {
	Dir     string // where it is mounted
	folder  string // has the image and Dir
	mounted bool
}

// New makes an ext4 file system of so many bytes, and mounts it. Disks of
// processes that are dead are taken down first. The caller closes it, at the end
// of the test whatever happened. Errors: ErrCant.
func New(size int64) (*Disk, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("mounting needs root: %w", ErrCant)
	}
	if err := takeDown(); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", prefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, err
	}
	d := &Disk{Dir: filepath.Join(folder, "d"), folder: folder}
	if err := d.make(size); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Disk) image() string { return filepath.Join(d.folder, "image") }

func (d *Disk) make(size int64) error {
	if err := os.Mkdir(d.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.Create(d.image())
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return err
	}
	// No blocks are kept for root, which the tests are.
	if err := run("mkfs.ext4", "-q", "-F", "-m", "0", d.image()); err != nil {
		return fmt.Errorf("%w: %w", err, ErrCant)
	}
	if err := d.Mount(); err != nil {
		return fmt.Errorf("%w: %w", err, ErrCant)
	}
	return nil
}

// Mount mounts a disk that was unmounted: the file system brings itself in order,
// as after a start of the machine.
func (d *Disk) Mount() error {
	if err := run("mount", "-o", "loop", d.image(), d.Dir); err != nil {
		return err
	}
	d.mounted = true
	return nil
}

// Unmount unmounts the disk. A process that was just killed may have it for some
// moments more.
func (d *Disk) Unmount() error {
	var err error
	for wait := time.Millisecond; wait < 3*time.Second; wait *= 2 {
		if err = syscall.Unmount(d.Dir, 0); !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(wait)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", d.Dir, err)
	}
	d.mounted = false
	return nil
}

// Cut cuts the power: nothing reaches the disk any more, not even the journal,
// and every call that needs it fails. Who uses the disk must end before Unmount.
func (d *Disk) Cut() error {
	const (
		shutdown    = 0x8004587d // EXT4_IOC_SHUTDOWN
		withoutLogs = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
	)
	f, err := os.Open(d.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, withoutLogs); err != nil {
		return fmt.Errorf("cut the power of %s: %w", d.Dir, err)
	}
	return nil
}

// Shrink takes away what is behind the first bytes of the image, so that reading
// it fails from then on; what is in the page cache is dropped.
func (d *Disk) Shrink(size int64) error {
	if err := os.Truncate(d.image(), size); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}

// Close unmounts the disk and removes it. One that is still in use is detached,
// and goes when its last user ends.
func (d *Disk) Close() error {
	var err error
	if d.mounted {
		if err = d.Unmount(); err != nil {
			err = errors.Join(err, syscall.Unmount(d.Dir, syscall.MNT_DETACH))
			d.mounted = false
		}
	}
	return errors.Join(err, os.RemoveAll(d.folder))
}

// takeDown removes the disks of dead processes.
func takeDown() error {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), prefix), "-")
		n, err := strconv.Atoi(pid)
		if err != nil || n <= 0 || syscall.Kill(n, 0) == nil {
			continue
		}
		_ = syscall.Unmount(filepath.Join(folder, "d"), syscall.MNT_DETACH) // it may not be mounted
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("remove what a dead test has left: %w", err)
		}
	}
	return nil
}

// run runs a program of the system, which may not be in the path of root's tests.
func run(name string, args ...string) error {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return err
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
