// Package auth knows who people are, which devices are theirs, and what they may read.
//
// An Authority keeps the organisation tree, the people, the roles granted to them at its nodes, and their devices. Devices are
// taken in by single-use enrolment codes or by ID tokens of the company's own identity provider, each with an Ed25519 key of its
// own. From then on a device holds a short access token (a JWT that names the person and the device, and no rights) and a refresh
// token that lives long and turns with every use. Rights are looked up at each call, so that taking them away works at once.
//
// All state rests in a Store, and a call that changes something has it there, durably, before it returns. What every request needs
// (tree, grants, states of devices) also stands in memory, rebuilt when the Authority is opened: checking a right touches no disk.
// One Authority owns its Store; two processes on one Store are not foreseen.
//
// The package makes no Connect handlers. Its methods take and return the messages of rounds/v1/auth.proto and admin.proto, which the
// caller has validated, and every refusal is an *Error that holds the Problem to send.
package auth
