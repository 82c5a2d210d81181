package api

import (
	"fmt"
	"net/http"
	"strings"

	"rsc.io/qr"
)

// maxQR is the longest text that a QR code of ours takes, in bytes.
const maxQR = 1500

type qrRequest struct {
	Text string `json:"text"`
}

// qrCode is the black modules of a code of Size × Size as one path of an SVG.
type qrCode struct {
	Size int    `json:"size"`
	Path string `json:"path"`
}

// qr draws a text, such as an invite's link, as a QR code.
func (s *server) qr(r *http.Request) (any, error) {
	var q qrRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	if q.Text == "" || len(q.Text) > maxQR {
		return nil, usagef("a QR code takes 1 to %d bytes of text, not %d", maxQR, len(q.Text))
	}
	c, err := qr.Encode(q.Text, qr.L)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	var path strings.Builder
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return qrCode{c.Size, path.String()}, nil
}
