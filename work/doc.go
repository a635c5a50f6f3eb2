// Package work is the trade as rules that a server can keep: who may write what, what a command does to a ticket, an inspection round or
// an open question, and what becomes of two people's acts that did not see each other. It implements engine.Rules.
//
// Everything is a table that returns itself as data: Permissions (role, kind, operation; what is not in it is denied), Scopes (which kinds
// live in which class of scope) and Transitions (the workflows with the rows of the arbitration table that they cover). Judging a command
// means finding the first transition whose From and When fit; its Needs are then asked in order, and the first that fails is the refusal.
// A command that no transition fits is refused with PROBLEM_CODE_STATE, or with PROBLEM_CODE_SUPERSEDED where the person had not yet seen
// the state that stands in the way. Every refusal carries a sentence in Chinese and English that says what can be done now.
//
// The rows of a table are sentences. Each noun that they speak of has a struct of terms in a file of its own: conditions (what is so), effects (what becomes of it) and
// refusals (what is said instead). A row names the noun first: who.assignee, round.current, evidence.stored. Where a term stands in the row says which of them it is.
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
// # What follows from an act
//
// What a ticket has to fulfil is pinned on it when it is made, triaged or given another category. Every change of its state is a move in its ledger, at the
// effective time, and late ones are put where they belong; package deadline computes from that what is due, at each change. Things told to people are notices,
// things that wait for a person are questions, and other tickets that an act changes too (that of a photo, the one that this is a task of, the one that it was
// merged into) are judged beside it: all of them are records that the rules write in the same transaction.
//
// # Evidence
//
// Whether photos prove the work is known when their bytes are stored, verified and looked at, which is the business of package evidence. No
// command of a worker leads to PENDING_REVIEW: a ticket whose completion was submitted rests in DONE_PENDING_EVIDENCE until the server itself asks
// Verified, each time that one of its photos was looked at. It moves when every photo of the round's manifests is CLEAN or SOFT, and they
// hold as many after-photos as was pinned; where no category was known then, as many as the category asks for that comes with the question, and where none is
// known, one. A HARD photo keeps it where it is, until the work was photographed again and a leader has hidden the false one. An inspection round moves
// likewise, from SUBMITTED.
//
// Approval is from PENDING_REVIEW alone, by nobody who did the work, carries the Digest of what was looked at, and asks for the photos once more. So no ticket
// closes without verified evidence, but by force_close: two people, each by an act of their own, and the closure carries the flag "forced"; or with the last of
// the tasks that it was split into, which carries "closed_by_tasks".
package work
