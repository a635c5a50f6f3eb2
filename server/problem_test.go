package server

import (
	"testing"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// What the authority refuses gets the code by which a client knows whether trying again helps.
func TestCodesOfProblems(t *testing.T) {
	for code, want := range map[roundsv1.ProblemCode]connect.Code{
		roundsv1.ProblemCode_PROBLEM_CODE_TOKEN:          connect.CodeUnauthenticated,
		roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE: connect.CodeUnauthenticated,
		roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT:       connect.CodePermissionDenied,
		roundsv1.ProblemCode_PROBLEM_CODE_RATE:           connect.CodeResourceExhausted,
		roundsv1.ProblemCode_PROBLEM_CODE_FULL:           connect.CodeUnavailable,
		roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE:    connect.CodeUnavailable,
		roundsv1.ProblemCode_PROBLEM_CODE_STATE:          connect.CodeFailedPrecondition,
		roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD:  connect.CodeInvalidArgument,
	} {
		if got := codeOfProblem(code); got != want {
			t.Errorf("%v: %v, want %v", code, got, want)
		}
	}
}
