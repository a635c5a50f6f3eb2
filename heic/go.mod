// The decoder of HEIC photos: a program of its own, which the server runs beside itself. The libraries in it are under the LGPL (NOTICE.md), so no other
// module may import this one.
module github.com/rounds-sync/rounds/heic

go 1.26

require github.com/gen2brain/heic v0.4.9

require (
	github.com/ebitengine/purego v0.9.1 // indirect
	github.com/tetratelabs/wazero v1.9.0 // indirect
)
