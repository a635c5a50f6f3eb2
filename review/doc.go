// Package review answers the desks (WorkService): lists with filters, full text and stable pages, the queue of what waits for a confirmation, the inbox of
// open questions, the story of one record, and decisions.
//
// Of every scope that is asked about it holds a board: what filters and orders need of each record, a few hundred bytes, in memory. A board follows the
// engine's changes: each question first takes in what was committed since the one before, so an answer is never behind. Filters, full text and orders are
// scans of the board; the records on a page are read from the store. Nothing runs between the questions: a board that nobody asks costs its memory alone,
// and the boards that were not asked for the longest time are dropped when all of them together take more than Config.MaxBytes.
//
// The journal remains what counts. A board holds nothing that cannot be read again, and writes nothing; what a person decides goes to the engine as an
// act, where the rules judge it.
package review
