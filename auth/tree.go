package auth

import "slices"

// Path returns the ids of the nodes from the root to a node as the tree stands now, both included; none where there is no such node.
func (a *Authority) Path(node NodeID) []NodeID {
	id, ok := parseUID(string(node))
	if !ok {
		return nil
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	var path []NodeID
	for n := a.index.findUID(id); n != none && len(path) < maxDepth; n = a.index.nodes[n].parent {
		path = append(path, NodeID(a.index.nodes[n].id.String()))
	}
	slices.Reverse(path)
	return path
}
