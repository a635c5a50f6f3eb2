// Package work is the trade as rules that a server can keep: who may write what, what a command does to a ticket, an inspection round or
// an open question, and what becomes of two people's acts that did not see each other. It implements engine.Rules.
//
// Everything is a table that returns itself as data: Permissions (role, kind, operation; what is not in it is denied), Scopes (which kinds
// live in which class of scope) and Transitions (the workflows with the rows of the arbitration table that they cover). Judging a command
// means finding the first transition whose From and When fit; its Needs are then asked in order, and the first that fails is the refusal.
// A command that no transition fits is refused with PROBLEM_CODE_STATE, or with PROBLEM_CODE_SUPERSEDED where the person had not yet seen
// the state that stands in the way. Every refusal carries a sentence in Chinese and English that says what can be done now.
//
// # What the person saw
//
// A command is held against what somebody else did meanwhile field by field: a tag added by a colleague does not make a dispatch stale, a
// dispatch by another dispatcher does. What the person's own device wrote counts as seen.
//
// # Facts
//
// The state of a ticket never stands against a fact: on a ticket that has ended it is appended and marked "late". A fact of somebody
// without the right to it is parked, which the engine turns into a quarantine.
//
// # Evidence
//
// Whether photos prove the work is known when their bytes are stored, verified and looked at, which is the business of package evidence. No
// command leads to PENDING_REVIEW: a ticket whose completion was submitted rests in DONE_PENDING_EVIDENCE until the server itself asks
// Verified, each time that one of its photos was looked at. It moves when every photo of the round's manifests is CLEAN or SOFT, and they
// hold as many after-photos as the category asks for; the category comes with the question, because it lives in the organisation's scope
// and a transaction reads one scope only. A ticket without a known category needs one photo. A HARD photo keeps it where it is, until the
// work was photographed again and a leader has hidden the false one. An inspection round moves likewise, from SUBMITTED.
//
// Approval is from PENDING_REVIEW alone, by nobody who did the work, and asks for the photos once more. So no ticket closes without verified
// evidence, but by force_close: two people, each by an act of their own, and the closure carries the flag "forced".
//
// # Rows left out
//
// Of the arbitration table the rows 1 to 5, 9, 18 to 20 and 35 are here, and those that merging alone decides (22 to 25, 27, 28).
// Commands of the other rows are refused as above; the facts beside them are kept.
package work
