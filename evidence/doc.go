// Package evidence ties promised photos to their bytes. The promise is a record of the sync engine, which travels with every other word of a shift; the
// bytes come later, in parts, into the storage of package media. The Desk stands between the two:
//
//   - It takes bytes in. Plan and Finish accept bytes only for a hash that a photo of the scope promises, of the size that was promised. A photo is
//     marked STORED after the driver has said that the bytes, hashed again from where they rest, are durable, and never before.
//   - It looks at them. The worker decodes what was stored, makes the copies for the screen, holds the photo against the rules (package media/check)
//     and writes what it found into SERVER fields: ANALYSED, then CLEAN, SOFT or HARD. A fault of the storage delays a photo and never marks it.
//   - It moves the work on. When a photo was settled, or a ticket or inspection round begins to wait, it asks Config.Verified whether the evidence
//     is complete.
//   - It shows them, chases what is missing, keeps, redacts and cleans up.
//
// # States
//
// UNSPECIFIED (promised), DECLARED (planned), UPLOADING, STORED, ANALYSED, then CLEAN, SOFT or HARD; REDACTED at the end. A photo whose bytes turn out to
// be others than promised goes back to DECLARED with the finding BYTES_DIFFER, and is asked for again; so does one whose bytes the storage lost.
//
// # What belongs to whom
//
// Bytes are stored once, under their hash, whatever the number of photos that have them. Yet "stored" is answered only from a photo of the same scope:
// who promises a hash that another company's photo has must send the bytes all the same, and so proves to have them.
//
// # After a crash
//
// Between the moment when bytes are durable and the moment when the record says so, a crash can end the process. The upload is gone then, and the
// promise stands as it stood. That the object is there proves nothing about this device, so the next Plan asks for the bytes again: at most one photo for
// each Finish that was under way is sent twice, and nothing is lost. Where the process lives and only the record could not be written, the Desk
// remembers that the device delivered, and the next Plan or Finish marks the photo without sending anything.
//
// # When a promise was heard
//
// A record does not carry the moment at which the server heard of it, so the chase list goes by the effective time of the photo's creation: the time of the
// capture as well as the server can know it, which is never later.
package evidence
