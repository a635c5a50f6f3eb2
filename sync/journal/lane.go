package journal

import "crypto/ed25519"

const (
	laneTag = "rounds.lane.v1"
	headTag = "rounds.head.v1"
)

// LaneStart returns the hash of the lane of device in scope before its first mutation. Neither name may hold a zero byte.
func LaneStart(device, scope string) Hash {
	return tagged(laneTag, []byte(device), []byte{0}, []byte(scope))
}

// LaneNext returns the hash of a lane behind a mutation. Previous is its hash before it, content the encoded Mutation.
func LaneNext(previous Hash, content []byte) Hash {
	return LaneNextHashed(previous, ContentHash(content))
}

// LaneNextHashed is LaneNext where the hash of the content is known already, or the content was redacted.
func LaneNextHashed(previous, contentHash Hash) Hash {
	return tagged(laneTag, previous[:], contentHash[:])
}

// HeadMessage returns what a device signs for a lane whose head is head.
func HeadMessage(head Hash) []byte {
	message := make([]byte, 0, len(headTag)+1+len(head))
	message = append(message, headTag...)
	message = append(message, 0)
	return append(message, head[:]...)
}

// SignHead signs a lane's head with the device's key. It panics when key has not the length of a private key.
func SignHead(key ed25519.PrivateKey, head Hash) []byte {
	return ed25519.Sign(key, HeadMessage(head))
}

// VerifyHead tells whether signature is that of the device with this key over a lane's head. A key or signature of a wrong length
// verifies nothing.
func VerifyHead(key ed25519.PublicKey, head Hash, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, HeadMessage(head), signature)
}
