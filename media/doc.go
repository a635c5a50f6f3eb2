// Package media keeps the bytes of evidence: where they stand, how they arrive over bad links, how they are verified, and how they are seen again.
//
// Bytes are known by their SHA-256. They arrive in parts, by plain HTTP PUT to signed URLs, in any order, with any interruption. Finish puts
// them together, computes the hash again from what rests in storage, and only then do they stand under their content address; so an object at
// a content address is verified, and there is no other mark to keep in step with it.
//
// The storage is a Driver: fileblobs keeps objects in a folder, s3blobs in an object store, and mediatest holds both to the same contract. Package
// picture looks into images, package likeness finds similar ones, package check holds a photo against the rules.
package media
