// Package caps holds what makes a file readable: keys, the stream cipher and
// capabilities as text. docs/spec/caps.md describes every byte of it.
//
// A file has one Key. From it come, each under its own context string, the
// storage index that hosts see and the two independent subkeys of the cipher.
// A key encrypts one plaintext only, ever: random keys because they are drawn
// once, convergent keys because layout and content are bound into them.
//
// The cipher gives no integrity. Nothing is decrypted before its share was
// verified against the manifest, whose hash the cap names.
//
// Secret values (Key, Secret, Read, Literal, Cipher, Converger) don't print:
// every fmt verb, slog and text or JSON marshalling show a placeholder. fmt
// can't call methods through unexported fields, so a struct that keeps a Key or
// Secret in one hides it itself, or holds a pointer.
package caps
