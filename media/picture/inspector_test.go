package picture_test

import "github.com/rounds-sync/rounds/media/picture"

func inspector() *picture.Inspector { return picture.NewInspector(picture.Config{}) }
