// Package schedule does what happens by the clock alone: it notices that a deadline has passed and tells who has to know, takes tickets a level up, makes and
// releases the rounds of plans, finds rounds that were not walked, has missing photos chased, gives out tickets where a site has that done, asks whether two
// tickets are about the same thing, closes questions that have found their answer, reminds people of the others, and takes old notices from the devices.
//
// What is due, and when, stands in secondary indexes that are written with the records (Index). So nothing has to be kept running for a timer, and a restart
// loses none. The Worker knows of each scope only when its earliest is due; while nothing is, it sleeps, however many timers there are.
//
// What the Worker does it writes by acts of the server (engine.Engine.Write): it looks at the record again in the act's transaction, and everything that it makes
// has an id derived from what caused it. Done twice, it changes nothing.
package schedule
