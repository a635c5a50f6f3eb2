package main_test

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"testing"
)

// drawn writes a photo that no other seed gives, nor one that looks like it.
func drawn(t *testing.T, path string, seed int) {
	t.Helper()
	img, random := image.NewGray(image.Rect(0, 0, 320, 240)), rand.New(rand.NewPCG(uint64(seed), 1))
	for y := 0; y < 240; y += 20 {
		for x := 0; x < 320; x += 20 {
			draw.Draw(img, image.Rect(x, y, x+20, y+20), image.NewUniform(color.Gray{uint8(random.UintN(256))}), image.Point{}, draw.Src)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(jpeg.Encode(f, img, nil), f.Close()); err != nil {
		t.Fatal(err)
	}
}
