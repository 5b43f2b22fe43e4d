package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v3"
)

const (
	window = 512 // packets that may come late
	patch  = 50  // of sound after which what is missing is missing
)

// What came of one stream.
type heard struct {
	mid     string
	sound   bool
	lock    sync.Mutex
	begun   bool
	highest uint32 // number of a packet, running on where 16 bits end
	first   uint32
	there   [window]bool
	mends   [window]bool // has the sound of the packet before it, too
	keys    bool
	count   counted
}

type counted struct {
	Packets   int64 `json:"packets"`
	Expected  int64 `json:"expected"`
	Pictures  int64 `json:"pictures"`
	Concealed int64 `json:"concealed"`
	Mended    int64 `json:"mended"`
}

func (c *counted) add(other counted) {
	c.Packets += other.Packets
	c.Expected += other.Expected
	c.Pictures += other.Pictures
	c.Concealed += other.Concealed
	c.Mended += other.Mended
}

// Read a track until it ends; done is called with the first whole picture.
func (h *heard) listen(track *webrtc.TrackRemote, done func()) {
	buffer := make([]byte, 1600)
	for {
		size, _, err := track.Read(buffer)
		if err != nil {
			return
		}
		if h.take(buffer[:size]) {
			done()
		}
	}
}

// Count a packet; whether it is the first that ends a picture which can be shown.
func (h *heard) take(packet []byte) bool {
	if len(packet) < 13 {
		return false
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	number := uint16(packet[2])<<8 | uint16(packet[3])
	if !h.begun {
		h.begun, h.first, h.highest = true, uint32(number)+1<<16, uint32(number)+1<<16-1
	}
	full := h.highest + uint32(int32(int16(number-uint16(h.highest))))
	for h.highest < full {
		h.highest++
		h.count.Expected++
		h.settle(h.highest - patch)
		h.there[h.highest%window], h.mends[h.highest%window] = false, false
	}
	if h.highest-full >= window || full < h.first || h.there[full%window] {
		return false
	}
	h.there[full%window] = true
	h.count.Packets++
	payload := body(packet)
	if h.sound {
		h.mends[full%window] = hasEarlier(payload)
		return false
	}
	h.keys = h.keys || isKey(payload)
	if packet[1]&0x80 == 0 || !h.keys {
		return false
	}
	h.count.Pictures++
	return h.count.Pictures == 1
}

// Decide what became of a packet of sound that comes no more.
func (h *heard) settle(number uint32) {
	if !h.sound || number < h.first || h.there[number%window] {
		return
	}
	if h.mends[(number+1)%window] {
		h.count.Mended++
	} else {
		h.count.Concealed++
	}
}

func (h *heard) tell(anew bool) counted {
	h.lock.Lock()
	defer h.lock.Unlock()
	told := h.count
	if anew {
		h.count = counted{}
	}
	return told
}

// What is in a packet after its header.
func body(packet []byte) []byte {
	at := 12 + 4*int(packet[0]&15)
	if packet[0]&0x10 != 0 && at+4 <= len(packet) {
		at += 4 + 4*(int(packet[at+2])<<8|int(packet[at+3]))
	}
	if at >= len(packet) {
		return nil
	}
	return packet[at:]
}

// Whether a VP8 payload begins a key frame (RFC 7741, 4.2 and 4.3).
func isKey(payload []byte) bool {
	if len(payload) < 2 || payload[0]&0x17 != 0x10 {
		return false
	}
	at := 1
	if payload[0]&0x80 != 0 {
		extra := payload[1]
		at++
		if extra&0x80 != 0 && at < len(payload) {
			at += 1 + int(payload[at]>>7)
		}
		if extra&0x40 != 0 {
			at++
		}
		if extra&0x30 != 0 {
			at++
		}
	}
	return at < len(payload) && payload[at]&1 == 0
}

// Whether 20 ms of Opus have those before them, too, for who lost them (RFC 6716, 4.2.4).
func hasEarlier(payload []byte) bool {
	return len(payload) > 2 && payload[0]>>3 < 16 && payload[1]&0x40 != 0
}

// All that one participant receives.
type received struct {
	lock    sync.Mutex
	streams []*heard
	first   int64 // ns since entering until the first picture
}

func (r *received) listen(track *webrtc.TrackRemote, mid string, entered time.Time) {
	one := &heard{mid: mid, sound: track.Kind() == webrtc.RTPCodecTypeAudio}
	r.lock.Lock()
	r.streams = append(r.streams, one)
	r.lock.Unlock()
	one.listen(track, func() {
		atomic.CompareAndSwapInt64(&r.first, 0, int64(time.Since(entered)))
	})
}

func (r *received) each(do func(*heard)) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, one := range r.streams {
		do(one)
	}
}
