package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server"
)

// TestPhotosLeaveRoomForWords: a disk that photos have filled as far as they may still takes words: else one phone could stop all others with its photos.
func TestPhotosLeaveRoomForWords(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting needs root on Linux")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=480m", "rounds-test", disk).CombinedOutput(); err != nil {
		t.Skipf("no mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	w := start(t, func(c *server.Config) { c.Data, c.Inject.Store = filepath.Join(disk, "data"), nil })
	w.device.grant(roundsv1.Role_ROLE_WORKER)
	content := []byte("a photo that finds no room")
	w.device.fact(photoOf(content, w.device.person)) // less than 512 MiB are free, more than 256
	hash := photoOf(content, "").GetPhoto().GetSha256()
	plan, err := w.media().Plan(t.Context(), as(w.device, &roundsv1.PlanRequest{Scope: string(w.site), Sha256: [][]byte{hash}}))
	if err != nil {
		t.Fatal(err)
	}
	if status := w.put(plan.Msg.GetResults()[0].GetUpload().GetParts()[0], content); status != 507 {
		t.Errorf("a part was answered %d", status)
	}
	if resp := w.device.exchange(w.device.push("words still go")); len(resp.GetLanes()) != 1 || len(resp.GetLanes()[0].GetOutcomes()) == 0 {
		t.Errorf("words: %v", resp)
	}
}
