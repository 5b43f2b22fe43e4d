package main

import (
	"fmt"
	"math/rand"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

const (
	rate    = 15                     // pictures a second
	frame   = 20 * time.Millisecond  // of sound
	quiet   = 400 * time.Millisecond // from one sign of life to the next while nobody speaks
	loud    = 25                     // dB below the loudest
	mute    = 127
	levelID = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	midID   = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridID   = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
)

// One stream of packets.
type stream struct {
	track      *webrtc.TrackLocalStaticRTP
	header     rtp.Header
	extensions map[uint8][]byte
	sent       *int64
}

func (s *stream) write(payload []byte) {
	s.header.SequenceNumber++
	packet := rtp.Packet{Header: s.header, Payload: payload}
	for id, value := range s.extensions {
		packet.SetExtension(id, value)
	}
	if s.track.WriteRTP(&packet) == nil {
		atomic.AddInt64(s.sent, 1)
	}
}

// One size of a picture: a film without an end, which begins anew when a key frame is asked for.
type layer struct {
	stream
	film    [][][]byte
	next    int
	picture uint16
	key     int32
}

func newLayer(folder string, number int, rid string, file string) (*layer, error) {
	found, err := frames(filepath.Join(folder, fmt.Sprintf("camera-%d-%s.ivf", number, file)))
	if err != nil {
		return nil, err
	}
	var options []func(*webrtc.TrackLocalStaticRTP)
	if rid != "" {
		options = append(options, webrtc.WithRTPStreamID(rid))
	}
	track, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "camera", "bot", options...)
	if err != nil {
		return nil, err
	}
	made := &layer{stream: stream{track: track, header: rtp.Header{Version: 2}}}
	for _, one := range found {
		made.film = append(made.film, payloads(one))
	}
	made.next = rand.Intn(len(made.film))
	return made, nil
}

func (l *layer) show() {
	if atomic.SwapInt32(&l.key, 0) == 1 {
		l.next = 0
	}
	parts := l.film[l.next%len(l.film)]
	l.next++
	l.picture++
	l.header.Timestamp += 90000 / rate
	for place, part := range parts {
		l.header.Marker = place == len(parts)-1
		numbered(part, l.picture)
		l.write(part)
	}
}

// Answer to who asks for a key frame.
func (l *layer) hear(read func() ([]rtcp.Packet, error)) {
	for {
		packets, err := read()
		if err != nil {
			return
		}
		for _, one := range packets {
			switch one.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				atomic.StoreInt32(&l.key, 1)
			}
		}
	}
}

// A voice, or its silence.
type voice struct {
	stream
	words    [][]byte
	next     int
	speaking int32
	level    uint8 // the extension's number
}

func newVoice(folder string, number int) (*voice, error) {
	words, err := frames(filepath.Join(folder, fmt.Sprintf("voice-%d.ivf", number)))
	if err != nil {
		return nil, err
	}
	track, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "microphone", "bot")
	if err != nil {
		return nil, err
	}
	return &voice{stream: stream{track: track, header: rtp.Header{Version: 2}}, words: words}, nil
}

// Say the next 20 ms; returns how long it is until there is something to say again.
func (v *voice) say() time.Duration {
	if atomic.LoadInt32(&v.speaking) == 1 {
		v.extensions[v.level] = []byte{0x80 | loud}
		v.write(v.words[v.next%len(v.words)])
		v.next++
		v.header.Marker = false
		v.header.Timestamp += 960
		return frame
	}
	v.extensions[v.level] = []byte{mute}
	v.write([]byte{v.words[0][0]}) // a packet of nothing: what Opus sends in silence
	v.header.Marker = true
	v.header.Timestamp += uint32(quiet / frame * 960)
	return quiet
}

// Say and show until told to stop.
func (b *bot) perform(layers []*layer, voice *voice, stop chan struct{}) {
	go keep(stop, voice.say)
	go func() {
		time.Sleep(time.Duration(rand.Int63n(int64(time.Second / rate)))) // all at once would be a wave
		keep(stop, func() time.Duration {
			for _, one := range layers {
				one.show()
			}
			return time.Second / rate
		})
	}()
}

// Do something again and again, each time after as long as it says; what was late is caught up.
func keep(stop chan struct{}, do func() time.Duration) {
	for next := time.Now(); ; {
		next = next.Add(do())
		select {
		case <-stop:
			return
		case <-time.After(time.Until(next)):
		}
	}
}
