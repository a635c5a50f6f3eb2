package server

import (
	"fmt"
	"io"
	"os"

	"github.com/mdp/qrterminal/v3"
	"golang.org/x/term"

	"github.com/rounds-sync/rounds/auth"
)

// invite shows a code, with a QR where a person is likely to look at a screen. What can be written anywhere else is no reason to fail.
func invite(to io.Writer, name, address string, f auth.Founding) {
	fmt.Fprintf(to, "\nFirst start. %s enrols a device with this code, until %s:\n\n    %s\n\n", name, until(f.Expires), string(f.Code))
	if file, ok := to.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		ShowQR(to, f.URI)
	}
	fmt.Fprintf(to, "    rounds device enroll --server %s %s\n\n", address, string(f.Code))
}

// ShowQR draws a secret address as a QR of half blocks.
func ShowQR(to io.Writer, uri auth.Secret) {
	qrterminal.GenerateWithConfig(string(uri), qrterminal.Config{Level: qrterminal.M, Writer: to, HalfBlocks: true, QuietZone: 2,
		BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE, BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK})
	fmt.Fprintln(to)
}
