// Package arbitration proves the table of concurrent events: each of its 38 rows is a test by its number, TestRow01 to TestRow38, in which the two sides
// act on two real device libraries without a signal and then reach one real server over HTTP, in both orders of arrival where the row has two. What the rows
// say is in work.Arbitrations; `rounds rules arbitration` prints it.
//
// A row looks at the state that comes out, at the facts (sent = kept + quarantined), at who is told what, at the questions that wait and what they offer, and
// at what each person's own device shows.
package arbitration
