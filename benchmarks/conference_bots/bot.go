package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

// A participant.
type bot struct {
	api        *webrtc.API
	plan       *plan
	number     int
	invitation string
	layers     []*layer
	voice      *voice
	sent       int64

	lock    sync.Mutex
	socket  *websocket.Conn
	state   string
	reason  string
	you     string
	ticket  string
	recent  []string
	away    map[string]bool
	carried string
	tracks  []place
	entered time.Time
	took    time.Duration // until the service had let it in
	out     *webrtc.PeerConnection
	into    *webrtc.PeerConnection
	stop    chan struct{}
	got     *received
	gone    bool
}

// Who fills a slot.
type place struct {
	Mid    string `json:"mid"`
	Who    string `json:"who"`
	Source string `json:"source"`
}

// What is told of a participant.
type told struct {
	Number  int            `json:"number"`
	You     string         `json:"you"`
	State   string         `json:"state"`
	Reason  string         `json:"reason"`
	Entered float64        `json:"entered"` // seconds
	First   float64        `json:"first"`   // seconds from entering to the first picture; 0: none yet
	Sent    int64          `json:"sent"`
	Recent  []string       `json:"recent"`
	Away    []string       `json:"away"`    // whose connection is lost
	Carried string         `json:"carried"` // gone, back: what carries the room
	Cameras map[string]int `json:"cameras"` // pictures since the last reset by participant
	Shown   map[string]int `json:"shown"`   // the same of screens and city cameras
	Picture counted        `json:"picture"`
	Sound   counted        `json:"sound"`
}

// Another participant.
type other struct {
	ID      string `json:"id"`
	Quality int    `json:"quality"`
}

// What is said on the websocket, as far as it is understood here.
type message struct {
	Type         string                     `json:"type"`
	Reason       string                     `json:"reason"`
	Text         string                     `json:"text"`
	About        string                     `json:"about"`
	Ticket       string                     `json:"ticket"`
	You          string                     `json:"you"`
	State        string                     `json:"state"`
	Answer       string                     `json:"answer"`
	Offer        string                     `json:"offer"`
	Anew         bool                       `json:"anew"`
	Number       int                        `json:"number"`
	Tracks       []place                    `json:"tracks"`
	At           string                     `json:"at"`
	Candidate    *webrtc.ICECandidateInit   `json:"candidate"`
	Speaking     *struct{ Recent []string } `json:"speaking"`
	Recent       []string                   `json:"recent"`
	Who          string                     `json:"who"`
	Participant  *other                     `json:"participant"`
	Participants []other                    `json:"participants"`
}

// What all participants have in common: VP8, Opus, no interceptors but none.
func newAPI() (*webrtc.API, error) {
	engine := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	codecs := map[webrtc.RTPCodecType]webrtc.RTPCodecParameters{
		webrtc.RTPCodecTypeVideo: {PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}},
		webrtc.RTPCodecTypeAudio: {PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine: "minptime=10;useinbandfec=1"}},
	}
	for kind, codec := range codecs {
		if err := engine.RegisterCodec(codec, kind); err != nil {
			return nil, err
		}
		for _, uri := range []string{midID, ridID, levelID} {
			if uri == levelID && kind != webrtc.RTPCodecTypeAudio || uri == ridID && kind != webrtc.RTPCodecTypeVideo {
				continue
			}
			extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
			if err := engine.RegisterHeaderExtension(extension, kind); err != nil {
				return nil, err
			}
		}
	}
	settings := webrtc.SettingEngine{}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.DisableSRTPReplayProtection(true)
	// Janus begins the encryption of what is received; pion answers so only when told to.
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})), nil
}

func newBot(api *webrtc.API, plan *plan, number, place int) (*bot, error) {
	made := &bot{api: api, plan: plan, number: number, state: "new", got: &received{}}
	made.invitation = plan.Invitations[min(place, len(plan.Invitations)-1)]
	var err error
	if made.voice, err = newVoice(plan.Media, number); err != nil {
		return nil, err
	}
	for _, rid := range plan.Layers {
		one, err := newLayer(plan.Media, number, rid, rid)
		if err != nil {
			return nil, err
		}
		made.layers = append(made.layers, one)
	}
	if len(plan.Layers) == 0 {
		one, err := newLayer(plan.Media, number, "", "l")
		if err != nil {
			return nil, err
		}
		made.layers = []*layer{one}
	}
	return made, nil
}

func (b *bot) speak(speaking bool) {
	value := int32(0)
	if speaking {
		value = 1
	}
	atomic.StoreInt32(&b.voice.speaking, value)
}

// Take part until told to leave, and come back when the connection is lost.
func (b *bot) run() {
	for {
		err := b.visit()
		b.lock.Lock()
		over := b.gone || b.state == "refused" || b.state == "ended"
		if !over {
			b.state, b.reason = "lost", err.Error()
		}
		b.lock.Unlock()
		if over {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// One connection to the service, from the first word to the last.
func (b *bot) visit() error {
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	socket, _, err := dialer.Dial(b.plan.Socket, http.Header{"Origin": {b.plan.Origin}})
	if err != nil {
		return err
	}
	defer socket.Close()
	b.lock.Lock()
	b.socket = socket
	ticket := b.ticket
	b.lock.Unlock()
	if ticket != "" {
		b.send(map[string]any{"type": "resume", "ticket": ticket})
	} else {
		b.send(map[string]any{"type": "look", "invitation": b.invitation})
	}
	for {
		var said message
		if err := socket.ReadJSON(&said); err != nil {
			b.lock.Lock()
			defer b.lock.Unlock()
			b.drop()
			return err
		}
		if err := b.hear(said); err != nil {
			log.Printf("bot %d: %s: %v", b.number, said.Type, err)
		}
	}
}

func (b *bot) send(said any) error {
	text, err := json.Marshal(said)
	if err != nil {
		return err
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.socket == nil {
		return errors.New("no connection")
	}
	return b.socket.WriteMessage(websocket.TextMessage, text)
}

func (b *bot) become(state, reason string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.state, b.reason = state, reason
}

func (b *bot) hear(said message) error {
	switch said.Type {
	case "door":
		b.become("door", "")
		b.lock.Lock()
		b.entered = time.Now()
		b.lock.Unlock()
		if err := b.send(map[string]any{"type": "enter", "name": fmt.Sprintf("%s %d", b.plan.Name, b.number)}); err != nil {
			return err
		}
	case "waiting":
		b.become("waiting", "")
	case "refused":
		b.become("refused", said.Reason)
	case "ended":
		b.become("ended", "")
	case "entered":
		b.lock.Lock()
		b.state, b.reason, b.you, b.ticket = "in", "", said.You, said.Ticket
		b.away = map[string]bool{}
		for _, one := range said.Participants {
			b.away[one.ID] = one.Quality == 0
		}
		if b.took == 0 {
			b.took = time.Since(b.entered)
		}
		b.lock.Unlock()
		if said.Speaking != nil {
			b.remember(said.Speaking.Recent)
		}
		if err := b.send(map[string]any{"type": "state", "microphone": true, "camera": true}); err != nil {
			return err
		}
		if err := b.send(map[string]any{"type": "want", "videos": b.plan.Videos}); err != nil {
			return err
		}
		return b.publish()
	case "participant":
		b.lock.Lock()
		b.away[said.Participant.ID] = said.Participant.Quality == 0
		b.lock.Unlock()
	case "left":
		b.lock.Lock()
		delete(b.away, said.Who)
		b.lock.Unlock()
	case "media":
		b.lock.Lock()
		b.carried = said.State
		b.lock.Unlock()
		if said.State == "back" {
			return b.publish()
		}
	case "published":
		return b.answered(said.Answer)
	case "subscribe":
		return b.subscribe(said)
	case "tracks":
		b.lock.Lock()
		b.tracks = said.Tracks
		b.lock.Unlock()
	case "candidate":
		return b.candidate(said)
	case "speaking":
		b.remember(said.Recent)
	case "error":
		return fmt.Errorf("%s: %s", said.About, said.Reason)
	}
	return nil
}

func (b *bot) remember(recent []string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.recent = recent
}

// Go, as a page does that is closed by its button.
func (b *bot) leave() {
	b.lock.Lock()
	b.gone = true
	b.lock.Unlock()
	b.send(map[string]any{"type": "leave"})
	b.vanish()
}

// Be cut off, without a word.
func (b *bot) vanish() {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.gone = true
	if b.socket != nil {
		b.socket.UnderlyingConn().Close()
	}
	b.drop()
}

func (b *bot) reset() {
	b.got.each(func(one *heard) { one.tell(true) })
}

func (b *bot) tell() told {
	b.lock.Lock()
	defer b.lock.Unlock()
	made := told{
		Number: b.number, You: b.you, State: b.state, Reason: b.reason, Entered: b.took.Seconds(),
		First: time.Duration(atomic.LoadInt64(&b.got.first)).Seconds(), Sent: atomic.LoadInt64(&b.sent),
		Recent: b.recent, Away: []string{}, Carried: b.carried, Cameras: map[string]int{}, Shown: map[string]int{},
	}
	for id, away := range b.away {
		if away {
			made.Away = append(made.Away, id)
		}
	}
	slots := map[string]place{}
	for _, one := range b.tracks {
		slots[one.Mid] = one
	}
	b.got.each(func(one *heard) {
		count := one.tell(false)
		slot := slots[one.mid]
		switch {
		case one.sound:
			made.Sound.add(count)
			return
		case slot.Source == "camera":
			made.Cameras[slot.Who] += int(count.Pictures)
		case slot.Who != "":
			made.Shown[slot.Who] += int(count.Pictures)
		}
		made.Picture.add(count)
	})
	return made
}
