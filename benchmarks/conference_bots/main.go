// Participants of a conference, many in one process: each comes through the service's websocket as a
// page does, sends a picture and a voice made beforehand, and counts what it receives.
//
// The first line on standard input is the plan (see plan); every line after it is an order, answered
// by a line: "stats" tells what was counted, "reset" counts anew from then on, "speak 3" lets that one
// speak alone (nobody: "speak -1"), "take turns" goes back to the plan, "vanish 3" cuts that one off
// without a word. When the input ends all leave.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"syscall"
	"time"
)

type plan struct {
	Socket      string   `json:"socket"` // ws://…/socket
	Origin      string   `json:"origin"`
	Invitations []string `json:"invitations"` // each has one; the last is for all further ones
	Name        string   `json:"name"`
	First       int      `json:"first"` // number of the first
	Count       int      `json:"count"`
	Videos      string   `json:"videos"` // all, recent, none
	Media       string   `json:"media"`  // folder with camera-N-RID.ivf and voice-N.ivf
	Layers      []string `json:"layers"` // rids, largest first; none: one layer, camera-N-l.ivf
	Pause       int      `json:"pause"`  // ms from one entering to the next
	Turn        float64  `json:"turn"`   // seconds that one speaks
	Seed        int64    `json:"seed"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	var given plan
	if !lines.Scan() {
		log.Fatal("no plan came")
	}
	if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
		log.Fatalf("the plan: %v", err)
	}
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	bots := make([]*bot, given.Count)
	for place := range bots {
		if bots[place], err = newBot(api, &given, given.First+place, place); err != nil {
			log.Fatal(err)
		}
	}
	turns := newTurns(bots, given.Turn, given.Seed)
	go turns.run()
	go func() {
		for _, one := range bots {
			go one.run()
			time.Sleep(time.Duration(given.Pause) * time.Millisecond)
		}
	}()
	fmt.Println(`{"ready":true}`)
	for lines.Scan() {
		fmt.Println(obey(strings.Fields(lines.Text()), bots, turns))
	}
	for _, one := range bots {
		one.leave()
	}
}

func obey(words []string, bots []*bot, turns *turns) string {
	number := func() int {
		var found int
		if len(words) > 1 {
			fmt.Sscan(words[1], &found)
		}
		return found
	}
	switch strings.Join(words[:min(len(words), 1)], "") {
	case "stats":
		told := make([]told, len(bots))
		for place, one := range bots {
			told[place] = one.tell()
		}
		text, _ := json.Marshal(map[string]any{"processor": processor(), "bots": told})
		return string(text)
	case "reset":
		for _, one := range bots {
			one.reset()
		}
	case "speak":
		turns.only(number())
	case "take":
		turns.again()
	case "vanish":
		bots[number()].vanish()
	default:
		return `{"error":"no such order"}`
	}
	return `{"done":true}`
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// Seconds of processor that this process has used.
func processor() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}
