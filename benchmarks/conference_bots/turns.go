package main

import (
	"math/rand"
	"sync"
	"time"
)

// Who speaks: one after the other by chance, now and then two at once.
type turns struct {
	bots    []*bot
	seconds float64
	chance  *rand.Rand
	lock    sync.Mutex
	fixed   bool
}

func newTurns(bots []*bot, seconds float64, seed int64) *turns {
	return &turns{bots: bots, seconds: seconds, chance: rand.New(rand.NewSource(seed))}
}

func (t *turns) run() {
	if t.seconds <= 0 || len(t.bots) == 0 {
		return
	}
	for {
		t.lock.Lock()
		one, other := t.chance.Intn(len(t.bots)), t.chance.Intn(len(t.bots))
		both := t.chance.Intn(5) == 0
		if !t.fixed {
			for place, bot := range t.bots {
				bot.speak(place == one || both && place == other)
			}
		}
		t.lock.Unlock()
		time.Sleep(time.Duration(t.seconds * float64(time.Second)))
	}
}

// Let one speak alone; a number that nobody has: silence.
func (t *turns) only(number int) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.fixed = true
	for place, bot := range t.bots {
		bot.speak(place == number)
	}
}

func (t *turns) again() {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.fixed = false
}
