// A path of bad quality between two networks: what goes in at one TUN device comes out at the other,
// late, not all of it, and not more at once than there is room for.
//
//	path --names near,far --delay 150ms --jitter 30ms --loss 0.02 --rates 0,1000000
//
// Each direction has a delay of its own, to which every packet adds an even spread of plus and minus
// the jitter: packets overtake each other. Lost is each packet with the same chance, whatever came
// before. A direction with a rate lets packets out one after the other, and drops what finds its
// queue full. The same seed makes the same decisions for the same number of the packet.
//
// A line on standard input is answered by a line with what went each way; "cut" loses everything from
// then on, "mend" no longer; the end of the input ends the path.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// A packet that is under way.
type packet struct {
	due   time.Time
	bytes []byte
}

// What went one way.
type counts struct {
	Packets int64 `json:"packets"`
	Bytes   int64 `json:"bytes"`
	Lost    int64 `json:"lost"`
	Full    int64 `json:"full"` // dropped at the end of the queue
	Late    int64 `json:"late"` // let out more than 5 ms after their time
	Failed  int64 `json:"failed"`
}

// One direction.
type way struct {
	delay, jitter time.Duration
	loss          float64
	rate          float64 // bytes a second; 0: no limit
	queue         time.Duration
	chance        *rand.Rand
	from, to      *os.File

	lock    sync.Mutex
	counted counts
	cut     bool
	free    time.Time // when the last of what was let in is out of the queue
	waiting heap
	arrived chan struct{}
}

func main() {
	names := flag.String("names", "near,far", "the two devices")
	delay := flag.Duration("delay", 150*time.Millisecond, "each way")
	jitter := flag.Duration("jitter", 30*time.Millisecond, "more or less than the delay")
	loss := flag.Float64("loss", 0.02, "chance of a packet to be lost, each way")
	rates := flag.String("rates", "0,0", "bits a second from the first to the second, and back; 0: no limit")
	queue := flag.Duration("queue", 200*time.Millisecond, "what waits at most where there is a rate")
	seed := flag.Int64("seed", 1, "of what is lost and how late the others are")
	flag.Parse()
	var files [2]*os.File
	for place, name := range strings.Split(*names, ",") {
		file, err := open(name)
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		files[place] = file
	}
	var ways [2]*way
	for place, text := range strings.Split(*rates, ",") {
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil {
			log.Fatalf("--rates: %v", err)
		}
		ways[place] = &way{
			delay: *delay, jitter: *jitter, loss: *loss, rate: rate / 8, queue: *queue,
			chance: rand.New(rand.NewSource(*seed + int64(place))),
			from:   files[place], to: files[1-place], arrived: make(chan struct{}, 1),
		}
		go ways[place].take()
		go ways[place].give()
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		for _, way := range ways {
			way.hear(lines.Text())
		}
		told, _ := json.Marshal(map[string]counts{"there": ways[0].seen(), "back": ways[1].seen()})
		fmt.Println(string(told))
	}
}

// A TUN device of this name: packets as they are, nothing before them.
func open(name string) (*os.File, error) {
	descriptor, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = syscall.IFF_TUN | syscall.IFF_NO_PI
	_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, uintptr(descriptor), syscall.TUNSETIFF,
		uintptr(unsafe.Pointer(&request[0])))
	if failed != 0 {
		return nil, failed
	}
	return os.NewFile(uintptr(descriptor), name), nil
}

// Take in what comes and decide what becomes of it.
func (w *way) take() {
	buffer := make([]byte, 65536)
	for {
		size, err := w.from.Read(buffer)
		if err != nil {
			log.Fatalf("%s: %v", w.from.Name(), err)
		}
		if buffer[0]>>4 != 4 { // what IPv6 asks a new device is nobody's business here
			continue
		}
		w.lock.Lock()
		if due, goes := w.decide(time.Now(), size); goes {
			w.waiting.push(packet{due, append([]byte(nil), buffer[:size]...)})
		}
		w.lock.Unlock()
		select {
		case w.arrived <- struct{}{}:
		default:
		}
	}
}

// When a packet comes out, and whether.
func (w *way) decide(now time.Time, size int) (time.Time, bool) {
	lost := w.chance.Float64() < w.loss || w.cut
	spread := time.Duration((2*w.chance.Float64() - 1) * float64(w.jitter))
	w.counted.Packets++
	w.counted.Bytes += int64(size)
	if w.rate > 0 {
		if w.free.Before(now) {
			w.free = now
		}
		if w.free.Sub(now) > w.queue {
			w.counted.Full++
			return now, false
		}
		w.free = w.free.Add(time.Duration(float64(size) / w.rate * float64(time.Second)))
		now = w.free
	}
	if lost {
		w.counted.Lost++
		return now, false
	}
	return now.Add(w.delay + spread), true
}

// Let out what has been under way for long enough.
func (w *way) give() {
	timer := time.NewTimer(time.Hour)
	for {
		w.lock.Lock()
		now := time.Now()
		wait := time.Hour
		var due []packet
		for len(w.waiting) > 0 {
			if wait = w.waiting[0].due.Sub(now); wait > 0 {
				break
			}
			if wait < -5*time.Millisecond {
				w.counted.Late++
			}
			due = append(due, w.waiting.pop())
			wait = time.Hour
		}
		w.lock.Unlock()
		for _, one := range due {
			if _, err := w.to.Write(one.bytes); err != nil { // the device is down
				w.lock.Lock()
				w.counted.Failed++
				w.lock.Unlock()
			}
		}
		if len(due) > 0 {
			continue
		}
		if !timer.Stop() {
			select {
			case <-timer.C:
			default:
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-w.arrived:
		}
	}
}

// Do what a line says.
func (w *way) hear(line string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	switch line {
	case "cut":
		w.cut = true
	case "mend":
		w.cut = false
	}
}

func (w *way) seen() counts {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.counted
}
