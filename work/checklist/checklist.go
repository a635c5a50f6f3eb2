// Package checklist says what the answers of an inspection round come to: which count, what is still missing, and the score. It is pure.
//
// # Keys
//
// Answers stand in a map by key. An item that is asked once in a round has its own id as the key. An item that is asked at each checkpoint of a route has
// "<checkpoint id>/<item id>"; where that would be longer than 64 bytes, "<checkpoint id>/~<hash>", the hash being the first 18 bytes of the item id's SHA-256
// as base64 for URLs. Key makes it. An item's id has no slash in it where items are asked at checkpoints.
//
// # What is asked
//
// A checklist does not say whether an item is asked once or at each checkpoint: the answers do. An item with an answer at one checkpoint, and none by its
// own id, is asked at all of them. One with an answer by its own id is asked once, and at those checkpoints where it fails.
//
// # What counts
//
// A reading outside of low and high fails the item, whatever the person said of it. One outside of least and greatest cannot be, and is no answer.
// Where an item fails at a checkpoint, that counts, and what its own id says instead does not, unless it is a failure too.
package checklist

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// maxKey is how long a key of the map of answers may be, bytes.
const maxKey = 64

// Key is where the answer to an item at a checkpoint stands. With an empty checkpoint it is the item's id.
func Key(checkpoint, item string) string {
	if checkpoint == "" {
		return item
	}
	key := checkpoint + "/" + item
	if len(key) <= maxKey {
		return key
	}
	hash := sha256.Sum256([]byte(item))
	return checkpoint + "/~" + base64.RawURLEncoding.EncodeToString(hash[:18])
}

// Question is one answer that a round asks for.
type Question struct {
	// Item of the checklist.
	Item *roundsv1.ChecklistItem
	// Checkpoint that it is asked at; empty: once in the round.
	Checkpoint string
	// Key of its answer.
	Key string
}

// Ask returns what a round asks: what is asked once, in the order of the list; then the rest in the order of the route and of the list. The answers say which items are
// asked at each checkpoint.
func Ask(list *roundsv1.Checklist, checkpoints []string, answers map[string]*roundsv1.Answer) []Question {
	var once, at []Question
	everywhere := map[string]bool{}
	for _, item := range list.GetItems() {
		everywhere[item.GetId()] = answers[item.GetId()] == nil && slices.ContainsFunc(checkpoints, func(c string) bool { return answers[Key(c, item.GetId())] != nil })
		if !everywhere[item.GetId()] {
			once = append(once, Question{Item: item, Key: item.GetId()})
		}
	}
	for _, checkpoint := range checkpoints {
		for _, item := range list.GetItems() {
			q := Question{Item: item, Checkpoint: checkpoint, Key: Key(checkpoint, item.GetId())}
			if everywhere[item.GetId()] || q.fails(answers) {
				at = append(at, q)
			}
		}
	}
	return append(once, at...)
}

// fails: whether the answer to a question counts as a failure.
func (q Question) fails(answers map[string]*roundsv1.Answer) bool {
	return Result(q.Item, answers[q.Key]) == roundsv1.AnswerResult_ANSWER_RESULT_FAIL
}

// Find returns the question that a key of the map of answers belongs to; false where the list has none such.
func Find(list *roundsv1.Checklist, checkpoints []string, key string) (Question, bool) {
	for _, item := range list.GetItems() {
		if item.GetId() == key {
			return Question{Item: item, Key: key}, true
		}
	}
	for _, checkpoint := range checkpoints {
		if len(key) <= len(checkpoint) || key[:len(checkpoint)] != checkpoint {
			continue
		}
		for _, item := range list.GetItems() {
			if Key(checkpoint, item.GetId()) == key {
				return Question{Item: item, Checkpoint: checkpoint, Key: key}, true
			}
		}
	}
	return Question{}, false
}

// AsksReading: whether an item asks for a measured value.
func AsksReading(item *roundsv1.ChecklistItem) bool {
	return item.GetUnit() != "" || item.Low != nil || item.High != nil || item.Least != nil || item.Greatest != nil
}

// Impossible: whether an answer has a reading that cannot be: no number, or outside of what the item says is possible.
func Impossible(item *roundsv1.ChecklistItem, a *roundsv1.Answer) bool {
	if a == nil || a.Reading == nil {
		return false
	}
	r := a.GetReading()
	return math.IsNaN(r) || math.IsInf(r, 0) || item.Least != nil && r < item.GetLeast() || item.Greatest != nil && r > item.GetGreatest()
}

// Result is what an answer counts as: a reading outside of the limits fails, whatever was said, and an impossible one is no answer. An item that asks for a
// reading has not passed without one. Where it has a reading within the limits and nothing was said, it passes.
func Result(item *roundsv1.ChecklistItem, a *roundsv1.Answer) roundsv1.AnswerResult {
	const (
		none = roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED
		pass = roundsv1.AnswerResult_ANSWER_RESULT_PASS
		fail = roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	)
	result := a.GetResult()
	switch {
	case a == nil || Impossible(item, a):
		return none
	case !AsksReading(item):
		return result
	case a.Reading == nil:
		if result == pass {
			return none
		}
		return result
	case item.Low != nil && a.GetReading() < item.GetLow() || item.High != nil && a.GetReading() > item.GetHigh():
		return fail
	case result == none:
		return pass
	}
	return result
}
