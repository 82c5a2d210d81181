package node

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"potluck/internal/durable"
)

// SaveSettings changes keys of config.toml in a data directory, and nothing else
// in it: values are as SettingView gives them, "" takes a key out, so that its
// default counts. All of them are there when it returns nil, also after a power
// cut, or none. Errors: *files.UsageError for an unknown key and for a value that
// can't be.
func SaveSettings(dataDir string, change map[string]string) error {
	_, err := saveSettings(dataDir, change)
	return err
}

// saveSettings gives what the file says then.
func saveSettings(dataDir string, change map[string]string) (File, error) {
	path := filepath.Join(dataDir, configName)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // somebody keeps it elsewhere: it stays there
	}
	text, mode, err := readConfig(path)
	if err != nil {
		return File{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(change)) {
		literal := ""
		if said := strings.TrimSpace(change[key]); said != "" {
			if literal, err = literalOf(key, said); err != nil {
				return File{}, err
			}
		}
		if text, err = edit(text, key, literal); err != nil {
			return File{}, err
		}
	}
	if len(text) > maxConfig {
		return File{}, usagef("%s would be %d bytes long, and at most %d are read", path, len(text), maxConfig)
	}
	file, err := parseFile(text)
	if err != nil {
		return File{}, usagef("%s would be wrong: %v", path, err)
	}
	if _, err := file.Config(dataDir).withDefaults(); err != nil {
		return File{}, err
	}
	return file, durable.WriteFile(path, []byte(text), mode)
}

// readConfig reads the text of config.toml; one that isn't there is empty.
func readConfig(path string) (text string, mode os.FileMode, err error) {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", 0o600, nil
	}
	if err != nil {
		return "", 0, err
	}
	if st.Size() > maxConfig {
		return "", 0, fmt.Errorf("%s is longer than %d bytes", path, maxConfig)
	}
	b, err := os.ReadFile(path)
	return string(b), st.Mode().Perm(), err
}

// edit gives a key of a TOML text another literal; "" takes its line out. The rest
// stays as it was written, a remark behind the value too.
func edit(text, key, literal string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	found := -1
	for i, line := range lines {
		if name, _, ok := strings.Cut(line, "="); ok && strings.Trim(strings.TrimSpace(name), `"'`) == key {
			found = i
			break
		}
	}
	switch {
	case found < 0 && literal == "":
		return text, nil
	case found < 0:
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text + key + " = " + literal + "\n", nil
	}
	_, old, _ := strings.Cut(lines[found], "=")
	if strings.Contains(old, `"""`) || strings.Contains(old, "'''") {
		return "", usagef("%s is written over more than one line in %s; change it there", key, configName)
	}
	lines[found] = ""
	if literal != "" {
		lines[found] = key + " = " + literal + remark(old) + "\n"
	}
	return strings.Join(lines, ""), nil
}

// remark is what stands behind a value on its line.
func remark(value string) string {
	var quote rune
	escaped := false
	for i, r := range value {
		switch {
		case escaped:
			escaped = false
		case quote == '"' && r == '\\':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && r == '#':
			return " " + strings.TrimRight(value[i:], "\r\n")
		}
	}
	return ""
}
