package directory

import (
	"context"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

func later() error { return &engine.Error{Kind: engine.Unavailable} }

// PutDirectory creates or changes one record.
func (k *Keeper) PutDirectory(context.Context, engine.Caller, *roundsv1.PutDirectoryRequest) (*roundsv1.PutDirectoryResponse, error) {
	return nil, later()
}

// ListDirectory lists records of one kind.
func (k *Keeper) ListDirectory(context.Context, engine.Caller, *roundsv1.ListDirectoryRequest) (*roundsv1.ListDirectoryResponse, error) {
	return nil, later()
}

// DeleteDirectory deletes one record.
func (k *Keeper) DeleteDirectory(context.Context, engine.Caller, *roundsv1.DeleteDirectoryRequest) (*roundsv1.DeleteDirectoryResponse, error) {
	return nil, later()
}

// GetPolicy tells the settings of a node.
func (k *Keeper) GetPolicy(context.Context, engine.Caller, *roundsv1.GetPolicyRequest) (*roundsv1.GetPolicyResponse, error) {
	return nil, later()
}

// SetPolicy changes settings of a node.
func (k *Keeper) SetPolicy(context.Context, engine.Caller, *roundsv1.SetPolicyRequest) (*roundsv1.SetPolicyResponse, error) {
	return nil, later()
}

// Import takes rows of a table.
func (k *Keeper) Import(context.Context, engine.Caller, *roundsv1.ImportRequest) (*roundsv1.ImportResponse, error) {
	return nil, later()
}
