// Package picture looks into the bytes of one photo that a stranger sent: what it really is, whether it decodes to its end, what it says of its
// making, what it looks like to a hash, and two small copies for the screen.
//
// Every photo goes the same way. Its bytes are read whole, up to a limit. Their type is told by content. Then its structure is walked without
// decoding: the size in pixels, the number of scans or tiles, the end of the image, what stands behind the end. What that walk allows may be
// decoded, in an order that keeps all decodes together within a budget of memory. The decoders are the standard library's, golang.org/x/image's
// and, for HEIC, the one that the caller hands in: Program, which runs another program for it. A decoder that panics has found a broken photo, no more.
//
// A photo that cannot count is answered with *Refused: a code and a sentence for the person who took it. Any other error need not be a fault of the photo.
package picture
